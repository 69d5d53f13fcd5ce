#include "vecmill/hub/pickle_machine.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "vecmill/base/utf8.h"

namespace vecmill::hub {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::uint64_t kMostNodes = 4'000'000;
constexpr std::uint64_t kMostItems = 8'000'000;
constexpr std::size_t kDeepestMark = 1000;

// The instructions, by the names that Python's pickletools gives them.
enum Op : std::uint8_t {
  kMark = '(',
  kStop = '.',
  kNone = 'N',
  kBinPersId = 'Q',
  kReduce = 'R',
  kBinUnicode = 'X',
  kAppend = 'a',
  kBuild = 'b',
  kGlobalOp = 'c',
  kAppends = 'e',
  kBinGet = 'h',
  kLongBinGet = 'j',
  kBinPut = 'q',
  kLongBinPut = 'r',
  kSetItem = 's',
  kTuple = 't',
  kSetItems = 'u',
  kEmptyDict = '}',
  kEmptyList = ']',
  kEmptyTuple = ')',
  kBinFloat = 'G',
  kBinInt = 'J',
  kBinInt1 = 'K',
  kBinInt2 = 'M',
  kProto = 0x80,
  kTuple1 = 0x85,
  kTuple2 = 0x86,
  kTuple3 = 0x87,
  kNewTrue = 0x88,
  kNewFalse = 0x89,
  kLong1 = 0x8a,
};

constexpr std::array<std::pair<std::string_view, std::string_view>, 10> kStorages = {{
    {"FloatStorage", "F32"},
    {"HalfStorage", "F16"},
    {"BFloat16Storage", "BF16"},
    {"DoubleStorage", "F64"},
    {"LongStorage", "I64"},
    {"IntStorage", "I32"},
    {"ShortStorage", "I16"},
    {"CharStorage", "I8"},
    {"ByteStorage", "U8"},
    {"BoolStorage", "BOOL"},
}};

std::string printable(std::string_view text) {
  std::string out(text.substr(0, 80));
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7E) c = '?';
  }
  return out;
}

std::string hex_byte(std::uint8_t byte) {
  constexpr char kDigits[] = "0123456789abcdef";
  return std::string("0x") + kDigits[byte >> 4] + kDigits[byte & 15];
}

}  // namespace

std::string_view storage_dtype(std::string_view storage_type) {
  for (const auto& [type, dtype] : kStorages) {
    if (type == storage_type) return dtype;
  }
  return {};
}

Error PickleMachine::bad(std::string what) const {
  return make_error(
      ErrorKind::kInvalidData,
      "the pickle is broken: " + std::move(what) + " before byte " + std::to_string(at_), where_,
      "get the file again");
}

Result<NodeId> PickleMachine::run() {
  while (!stopped_) {
    VECMILL_ASSIGN(const std::uint64_t op, take_number(1));
    VECMILL_TRY(step(static_cast<std::uint8_t>(op)));
  }
  if (stack_.size() != 1 || !marks_.empty()) return bad("it does not end with one value");
  return stack_.back();
}

Status PickleMachine::step(std::uint8_t op) {
  bool known = true;
  VECMILL_TRY(step_value(op, known));
  if (known) return {};
  known = true;
  VECMILL_TRY(step_container(op, known));
  if (known) return {};
  known = true;
  VECMILL_TRY(step_memo(op, known));
  if (known) return {};
  return make_error(ErrorKind::kUnsupported,
                    "the pickle uses instruction " + hex_byte(op) + " at byte " +
                        std::to_string(at_ - 1) + ", which no plain state dict needs",
                    where_, "save the weights as safetensors where they come from");
}

Status PickleMachine::step_value(std::uint8_t op, bool& known) {
  switch (op) {
    case kNone: return push({});
    case kNewTrue: return push({Node::Kind::kBool, 1, {}, {}});
    case kNewFalse: return push({Node::Kind::kBool, 0, {}, {}});
    case kBinInt: return push_int(4, true);
    case kBinInt1: return push_int(1, false);
    case kBinInt2: return push_int(2, false);
    case kLong1: return push_long();
    case kBinFloat: {
      VECMILL_TRY(take(8));  // a number beside the tensors: none of them is needed
      return push({Node::Kind::kFloat, 0, {}, {}});
    }
    case kBinUnicode: return push_text(4);
    case kGlobalOp: return push_global();
    case kBinPersId: return push_storage();
    default: known = false; return {};
  }
}

Status PickleMachine::step_container(std::uint8_t op, bool& known) {
  switch (op) {
    case kMark:
      if (marks_.size() == kDeepestMark) return bad("it is nested too deep");
      marks_.push_back(stack_.size());
      return {};
    case kEmptyDict: return push({Node::Kind::kDict, 0, {}, {}});
    case kEmptyList: return push({Node::Kind::kList, 0, {}, {}});
    case kEmptyTuple: return push_tuple(0);
    case kTuple1: return push_tuple(1);
    case kTuple2: return push_tuple(2);
    case kTuple3: return push_tuple(3);
    case kTuple: return push_marked_tuple();
    case kSetItem: return add_one(Node::Kind::kDict, 2);
    case kAppend: return add_one(Node::Kind::kList, 1);
    case kSetItems:
    case kAppends: {
      VECMILL_ASSIGN(const std::size_t from, pop_mark());
      return add_items(op == kSetItems ? Node::Kind::kDict : Node::Kind::kList, from);
    }
    case kReduce: return call();
    case kBuild: return build();
    default: known = false; return {};
  }
}

Status PickleMachine::step_memo(std::uint8_t op, bool& known) {
  switch (op) {
    case kProto: {
      VECMILL_ASSIGN(const std::uint64_t version, take_number(1));
      if (version == 2) return {};
      return make_error(ErrorKind::kUnsupported,
                        "the pickle has protocol " + std::to_string(version) + ", torch writes 2",
                        where_, "save the weights as safetensors where they come from");
    }
    case kStop: stopped_ = true; return {};
    case kBinPut:
    case kLongBinPut: {
      VECMILL_ASSIGN(const std::uint64_t slot, take_number(op == kBinPut ? 1 : 4));
      if (!has_above_mark(1)) return bad("there is nothing to remember");
      memo_[slot] = stack_.back();
      return {};
    }
    case kBinGet:
    case kLongBinGet: {
      VECMILL_ASSIGN(const std::uint64_t slot, take_number(op == kBinGet ? 1 : 4));
      const auto found = memo_.find(slot);
      if (found == memo_.end()) return bad("it uses a value that it never remembered");
      if (stack_.size() >= kMostNodes) return bad("it is too large");
      stack_.push_back(found->second);
      return {};
    }
    default: known = false; return {};
  }
}

Status PickleMachine::push(Node node) {
  if (nodes_.size() == kMostNodes || stack_.size() >= kMostNodes) return bad("it is too large");
  stack_.push_back(static_cast<NodeId>(nodes_.size()));
  nodes_.push_back(std::move(node));
  return {};
}

Status PickleMachine::push_int(std::size_t bytes, bool is_signed) {
  VECMILL_ASSIGN(const std::uint64_t raw, take_number(bytes));
  const auto value = is_signed ? static_cast<std::int64_t>(static_cast<std::int32_t>(raw))
                               : static_cast<std::int64_t>(raw);
  return push({Node::Kind::kInt, value, {}, {}});
}

Status PickleMachine::push_long() {
  VECMILL_ASSIGN(const std::uint64_t bytes, take_number(1));
  if (bytes > 8) return bad("an integer has more than 64 bits");
  VECMILL_ASSIGN(std::uint64_t raw, take_number(bytes));
  const auto unused = static_cast<unsigned>(64 - 8 * bytes);
  if (bytes > 0) raw <<= unused;
  const auto value = bytes == 0 ? 0 : static_cast<std::int64_t>(raw) >> unused;
  return push({Node::Kind::kInt, value, {}, {}});
}

Status PickleMachine::push_text(std::size_t length_bytes) {
  VECMILL_ASSIGN(const std::uint64_t length, take_number(length_bytes));
  VECMILL_ASSIGN(const std::string_view text, take(length));
  if (!is_valid_utf8(text)) return bad("a text is not UTF-8");
  return push({Node::Kind::kText, 0, text, {}});
}

Status PickleMachine::push_global() {
  VECMILL_ASSIGN(const std::string_view module, take_line());
  VECMILL_ASSIGN(const std::string_view name, take_line());
  const auto allowed = [&](Global global) {
    return push({Node::Kind::kGlobal, static_cast<std::int64_t>(global), name, {}});
  };
  if (module == "collections" && name == "OrderedDict") return allowed(Global::kOrderedDict);
  if (module == "torch._utils" && name == "_rebuild_tensor_v2") {
    return allowed(Global::kRebuildTensor);
  }
  if (module == "torch._utils" && name == "_rebuild_parameter") {
    return allowed(Global::kRebuildParameter);
  }
  if (module == "torch" && name == "Size") return allowed(Global::kSize);
  if (module == "torch" && !storage_dtype(name).empty()) return allowed(Global::kStorage);
  return make_error(ErrorKind::kUnsupported,
                    "the pickle asks for " + printable(module) + "." + printable(name) +
                        "; only tensors are read from a pickle and nothing in it is ever run",
                    where_, "save the weights as safetensors where they come from");
}

/// Persistent id: ("storage", type, key, device, elements).
Status PickleMachine::push_storage() {
  if (!has_above_mark(1)) return bad("a storage has no description");
  const Node description = at(stack_.back());
  stack_.pop_back();
  const auto& items = description.items;
  const auto is = [&](std::size_t i, Node::Kind kind) { return at(items[i]).kind == kind; };
  if (description.kind != Node::Kind::kTuple || items.size() != 5 || !is(0, Node::Kind::kText) ||
      at(items[0]).text != "storage" || !is(1, Node::Kind::kGlobal) ||
      at(items[1]).number != static_cast<std::int64_t>(Global::kStorage) ||
      !is(2, Node::Kind::kText) || !is(4, Node::Kind::kInt) || at(items[4]).number < 0) {
    return bad("the description of a storage is not one");
  }
  return push({Node::Kind::kStorage, 0, {}, {items[1], items[2], items[4]}});
}

Status PickleMachine::push_tuple(std::size_t count) {
  if (!has_above_mark(count)) return bad("a tuple has too few values");
  items_ += count;
  if (items_ > kMostItems) return bad("it is too large");
  Node tuple{
      Node::Kind::kTuple, 0, {}, {stack_.end() - static_cast<std::ptrdiff_t>(count), stack_.end()}};
  stack_.resize(stack_.size() - count);
  return push(std::move(tuple));
}

Status PickleMachine::push_marked_tuple() {
  VECMILL_ASSIGN(const std::size_t from, pop_mark());
  return push_tuple(stack_.size() - from);
}

/// A call of one of the allowed globals, which are all constructors.
Status PickleMachine::call() {
  if (!has_above_mark(2)) return bad("a call has too few values");
  const NodeId arguments = stack_.back();
  const NodeId callee = stack_[stack_.size() - 2];
  stack_.resize(stack_.size() - 2);
  if (at(callee).kind != Node::Kind::kGlobal || at(arguments).kind != Node::Kind::kTuple) {
    return bad("something is called that is no constructor");
  }
  const std::vector<NodeId>& items = at(arguments).items;
  switch (static_cast<Global>(at(callee).number)) {
    case Global::kOrderedDict:
      if (!items.empty()) return bad("an OrderedDict is not built empty");
      return push({Node::Kind::kDict, 0, {}, {}});
    case Global::kRebuildTensor: return call_rebuild_tensor(arguments);
    case Global::kRebuildParameter:
      if (items.empty() || at(items[0]).kind != Node::Kind::kTensor) {
        return bad("a parameter is not made of a tensor");
      }
      stack_.push_back(items[0]);
      return {};
    case Global::kSize:
      if (items.size() != 1) return bad("a torch.Size is not made of one value");
      stack_.push_back(items[0]);
      return {};
    case Global::kStorage: break;
  }
  return bad("a storage type is called");
}

/// Arguments: storage, offset, shape, strides, requires_grad, hooks[, metadata].
Status PickleMachine::call_rebuild_tensor(NodeId arguments) {
  const std::vector<NodeId> items = at(arguments).items;
  if (items.size() < 6 || items.size() > 7 || at(items[0]).kind != Node::Kind::kStorage ||
      at(items[1]).kind != Node::Kind::kInt || at(items[2]).kind != Node::Kind::kTuple ||
      at(items[3]).kind != Node::Kind::kTuple) {
    return bad("a tensor is not described as one");
  }
  return push({Node::Kind::kTensor, 0, {}, {items[0], items[1], items[2], items[3]}});
}

/// Sets attributes; the only ones in a state dict are its `_metadata`, which nobody needs here.
Status PickleMachine::build() {
  if (!has_above_mark(2)) return bad("attributes have no object");
  stack_.pop_back();
  if (at(stack_.back()).kind != Node::Kind::kDict) {
    return bad("attributes are set on something that is no dict");
  }
  return {};
}

Status PickleMachine::add_one(Node::Kind kind, std::size_t items) {
  if (!has_above_mark(items + 1)) return bad("a container has too few values");
  return add_items(kind, stack_.size() - items);
}

/// Moves the values above `from` into the container below them.
Status PickleMachine::add_items(Node::Kind kind, std::size_t from) {
  const std::size_t floor = marks_.empty() ? 0 : marks_.back();
  if (from <= floor || from > stack_.size() || at(stack_[from - 1]).kind != kind) {
    return bad("values are put into something that takes none");
  }
  const std::size_t count = stack_.size() - from;
  if (kind == Node::Kind::kDict && count % 2 != 0) return bad("a key has no value");
  items_ += count;
  if (items_ > kMostItems) return bad("it is too large");
  std::vector<NodeId>& into = nodes_[stack_[from - 1]].items;
  into.insert(into.end(), stack_.begin() + static_cast<std::ptrdiff_t>(from), stack_.end());
  stack_.resize(from);
  return {};
}

Result<std::size_t> PickleMachine::pop_mark() {
  if (marks_.empty()) return bad("a mark is missing");
  const std::size_t mark = marks_.back();
  marks_.pop_back();
  return mark;
}

Result<std::string_view> PickleMachine::take(std::uint64_t bytes) {
  if (bytes > pickle_.size() - at_) return bad("it ends in the middle");
  const std::string_view taken = pickle_.substr(at_, bytes);
  at_ += bytes;
  return taken;
}

Result<std::uint64_t> PickleMachine::take_number(std::size_t bytes) {
  VECMILL_ASSIGN(const std::string_view taken, take(bytes));
  std::uint64_t value = 0;
  std::memcpy(&value, taken.data(), taken.size());
  return value;
}

Result<std::string_view> PickleMachine::take_line() {
  const std::size_t end = pickle_.find('\n', at_);
  if (end == std::string_view::npos) return bad("it ends in the middle");
  const std::string_view line = pickle_.substr(at_, end - at_);
  at_ = end + 1;
  return line;
}

bool PickleMachine::has_above_mark(std::size_t count) const {
  const std::size_t floor = marks_.empty() ? 0 : marks_.back();
  return stack_.size() - floor >= count;
}

}  // namespace vecmill::hub
