#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "vecmill/result.h"

namespace vecmill::hub {

using NodeId = std::uint32_t;

/// What a pickle can build. Containers refer to their items by number, so that one that contains
/// itself costs nothing but can never be followed without end by accident.
struct Node {
  enum class Kind : std::uint8_t {
    kNone,
    kBool,
    kInt,
    kFloat,
    kText,
    kTuple,
    kList,
    kDict,    ///< items: key, value, key, value, ...
    kGlobal,  ///< `number`: which of the allowed ones
    kStorage,
    kTensor,  ///< items: storage, offset, shape, strides
  };
  Kind kind = Kind::kNone;
  std::int64_t number = 0;
  std::string_view text;  ///< into the pickle
  std::vector<NodeId> items;
};

/// The globals that a pickle may name. A storage type is followed by its element type.
enum class Global : std::uint8_t {
  kOrderedDict,
  kRebuildTensor,
  kRebuildParameter,
  kSize,
  kStorage
};

/// The stack machine: reads instructions, builds nodes, runs nothing.
class PickleMachine {
 public:
  ///   pickle  must outlive the machine
  PickleMachine(std::string_view pickle, const std::string& where)
      : pickle_(pickle), where_(where) {}

  /// Runs to the STOP instruction; the root of what was built.
  ///   errors  kUnsupported, kInvalidData
  Result<NodeId> run();

  [[nodiscard]] const Node& at(NodeId id) const { return nodes_[id]; }

 private:
  Status step(std::uint8_t op);
  Status step_value(std::uint8_t op, bool& known);
  Status step_container(std::uint8_t op, bool& known);
  Status step_memo(std::uint8_t op, bool& known);
  Status push(Node node);
  Status push_int(std::size_t bytes, bool is_signed);
  Status push_long();
  Status push_text(std::size_t length_bytes);
  Status push_global();
  Status push_storage();
  Status push_tuple(std::size_t count);
  Status push_marked_tuple();
  Status call();
  Status call_rebuild_tensor(NodeId arguments);
  Status build();
  Status add_items(Node::Kind kind, std::size_t from);
  Status add_one(Node::Kind kind, std::size_t items);
  Result<std::size_t> pop_mark();
  Result<std::string_view> take(std::uint64_t bytes);
  Result<std::uint64_t> take_number(std::size_t bytes);
  Result<std::string_view> take_line();
  [[nodiscard]] bool has_above_mark(std::size_t count) const;
  [[nodiscard]] Error bad(std::string what) const;

  std::string_view pickle_;
  const std::string& where_;
  std::size_t at_ = 0;
  bool stopped_ = false;
  std::uint64_t items_ = 0;  ///< in all containers
  std::vector<Node> nodes_;
  std::vector<NodeId> stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<std::uint64_t, NodeId> memo_;
};

/// The safetensors name of the elements of a storage type ("FloatStorage": "F32").
[[nodiscard]] std::string_view storage_dtype(std::string_view storage_type);

}  // namespace vecmill::hub
