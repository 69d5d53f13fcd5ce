#include "vecmill/hub/pickle.h"

#include <set>
#include <utility>

#include "vecmill/hub/pickle_machine.h"

namespace vecmill::hub {
namespace {

constexpr std::size_t kMostDimensions = 8;

class StateDictReader {
 public:
  StateDictReader(const PickleMachine& machine, const std::string& where)
      : machine_(machine), where_(where) {}

  Result<std::vector<PickledTensor>> read(NodeId root) {
    VECMILL_ASSIGN(const NodeId dict, find_dict(root));
    const std::vector<NodeId>& items = machine_.at(dict).items;
    std::vector<PickledTensor> tensors;
    std::set<std::string_view> seen;
    for (std::size_t i = 0; i < items.size(); i += 2) {
      const Node& key = machine_.at(items[i]);
      if (key.kind != Node::Kind::kText) return bad("the name of a tensor is no text");
      if (!seen.insert(key.text).second) return bad("a tensor appears twice");
      VECMILL_ASSIGN(PickledTensor tensor, read_tensor(items[i + 1]));
      tensor.name = key.text;
      tensors.push_back(std::move(tensor));
    }
    if (tensors.empty()) return bad("it holds no tensors");
    return tensors;
  }

 private:
  /// Training checkpoints keep the weights one level down.
  Result<NodeId> find_dict(NodeId root) const {
    if (machine_.at(root).kind != Node::Kind::kDict) return bad("it is no dict of tensors");
    const std::vector<NodeId>& items = machine_.at(root).items;
    for (std::size_t i = 0; i < items.size(); i += 2) {
      const Node& key = machine_.at(items[i]);
      if (key.kind == Node::Kind::kText && key.text == "state_dict" &&
          machine_.at(items[i + 1]).kind == Node::Kind::kDict) {
        return items[i + 1];
      }
    }
    return root;
  }

  Result<PickledTensor> read_tensor(NodeId id) const {
    const Node& node = machine_.at(id);
    if (node.kind != Node::Kind::kTensor) return bad("it holds something that is not a tensor");
    const std::vector<NodeId>& storage = machine_.at(node.items[0]).items;
    PickledTensor tensor;
    tensor.dtype = storage_dtype(machine_.at(storage[0]).text);
    tensor.storage = machine_.at(storage[1]).text;
    tensor.storage_elements = static_cast<std::uint64_t>(machine_.at(storage[2]).number);
    VECMILL_ASSIGN(tensor.offset, read_number(node.items[1]));
    VECMILL_ASSIGN(tensor.shape, read_numbers(node.items[2]));
    VECMILL_ASSIGN(tensor.strides, read_numbers(node.items[3]));
    if (tensor.shape.size() != tensor.strides.size()) {
      return bad("a tensor has another number of strides than dimensions");
    }
    return tensor;
  }

  Result<std::vector<std::uint64_t>> read_numbers(NodeId id) const {
    const Node& node = machine_.at(id);
    if (node.items.size() > kMostDimensions) return bad("a tensor has more than 8 dimensions");
    std::vector<std::uint64_t> numbers;
    for (const NodeId item : node.items) {
      VECMILL_ASSIGN(const std::uint64_t number, read_number(item));
      numbers.push_back(number);
    }
    return numbers;
  }

  Result<std::uint64_t> read_number(NodeId id) const {
    const Node& node = machine_.at(id);
    if (node.kind != Node::Kind::kInt || node.number < 0) {
      return bad("a size of a tensor is no number from 0 up");
    }
    return static_cast<std::uint64_t>(node.number);
  }

  [[nodiscard]] Error bad(std::string what) const {
    return make_error(ErrorKind::kInvalidData, "the pickle is no state dict: " + std::move(what),
                      where_, "save the weights as safetensors where they come from");
  }

  const PickleMachine& machine_;
  const std::string& where_;
};

}  // namespace

Result<std::vector<PickledTensor>> read_state_dict(std::string_view pickle,
                                                   const std::string& where) {
  PickleMachine machine(pickle, where);
  VECMILL_ASSIGN(const NodeId root, machine.run());
  return StateDictReader(machine, where).read(root);
}

std::uint64_t element_bytes(std::string_view dtype) {
  if (dtype == "F64" || dtype == "I64") return 8;
  if (dtype == "F32" || dtype == "I32") return 4;
  if (dtype == "F16" || dtype == "BF16" || dtype == "I16") return 2;
  if (dtype == "I8" || dtype == "U8" || dtype == "BOOL") return 1;
  return 0;
}

}  // namespace vecmill::hub
