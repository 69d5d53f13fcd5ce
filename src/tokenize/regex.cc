#include "vecmill/tokenize/regex.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "vecmill/base/utf8.h"
#include "vecmill/tokenize/regex_matcher.h"

namespace vecmill::tokenize {
namespace {

using Kind = RegexNode::Kind;
using Op = Regex::Op;
constexpr std::size_t kLargestProgram = 4096;

/// Whether a node can match without taking a character.
bool may_be_empty(const RegexNode& node) {
  const auto empty_one = [](const RegexNode& child) { return may_be_empty(child); };
  switch (node.kind) {
    case Kind::kSet: return false;
    case Kind::kSequence:
    case Kind::kAtomic: return std::all_of(node.children.begin(), node.children.end(), empty_one);
    case Kind::kEither: return std::any_of(node.children.begin(), node.children.end(), empty_one);
    case Kind::kRepeat: return node.min == 0 || may_be_empty(node.children[0]);
    default: return true;
  }
}

class Compiler {
 public:
  Compiler(Regex::Program& program, const std::string& where) : program_(program), where_(where) {}

  Status add(const RegexNode& node) {
    if (program_.code.size() > kLargestProgram) return unsupported("this large");
    switch (node.kind) {
      case Kind::kSet: put(Op::kSet, add_set(node.set)); return {};
      case Kind::kSequence: return add_all(node);
      case Kind::kEither: return add_either(node);
      case Kind::kRepeat: return add_repeat(node);
      case Kind::kAtomic:
      case Kind::kAhead:
      case Kind::kNotAhead: return add_inner(node.kind, node.children[0]);
      case Kind::kWordEdge: put(Op::kEdge, add_set(node.set)); return {};
      case Kind::kNotWordEdge: put(Op::kNoEdge, add_set(node.set)); return {};
      default: put(Op::kPlace, static_cast<std::uint32_t>(node.kind)); return {};
    }
  }

  std::uint32_t put(Op op, std::uint32_t arg) {
    const bool branches = op == Op::kFork || op == Op::kLeave || op == Op::kLoop;
    program_.code.push_back({op, arg, program_.branches});
    if (branches) ++program_.branches;
    return here() - 1;
  }

 private:
  [[nodiscard]] Error unsupported(const char* what) const {
    return make_error(ErrorKind::kUnsupported, std::string("regular expression ") + what, where_,
                      "this tokenizer needs something that Vecmill does not have");
  }
  [[nodiscard]] std::uint32_t here() const {
    return static_cast<std::uint32_t>(program_.code.size());
  }
  void land(std::uint32_t instruction) { program_.code[instruction].arg = here(); }

  std::uint32_t add_set(const CharSet& set) {
    program_.sets.emplace_back(set);
    return static_cast<std::uint32_t>(program_.sets.size() - 1);
  }

  Status add_all(const RegexNode& node) {
    for (const RegexNode& child : node.children) VECMILL_TRY(add(child));
    return {};
  }

  Status add_either(const RegexNode& node) {
    std::vector<std::uint32_t> jumps;
    for (std::size_t i = 0; i + 1 < node.children.size(); ++i) {
      const std::uint32_t fork = put(Op::kFork, 0);
      VECMILL_TRY(add(node.children[i]));
      jumps.push_back(put(Op::kJump, 0));
      land(fork);
    }
    VECMILL_TRY(add(node.children.back()));
    for (const std::uint32_t jump : jumps) land(jump);
    return {};
  }

  Status add_repeat(const RegexNode& node) {
    const RegexNode& body = node.children[0];
    const bool possessive = node.greed == RegexNode::Greed::kPossessive;
    if (body.kind == Kind::kSet && node.greed != RegexNode::Greed::kLazy) {
      program_.loops.push_back({add_set(body.set), node.min, node.max, possessive});
      put(Op::kLoop, static_cast<std::uint32_t>(program_.loops.size() - 1));
      return {};
    }
    if (possessive) {
      RegexNode greedy = node;
      greedy.greed = RegexNode::Greed::kGreedy;
      return add_inner(Kind::kAtomic, greedy);
    }
    const Op op = node.greed == RegexNode::Greed::kLazy ? Op::kLeave : Op::kFork;
    for (std::size_t i = 0; i < node.min; ++i) VECMILL_TRY(add(body));
    if (node.max == RegexNode::kUnbounded) {
      if (may_be_empty(body)) return unsupported("repeats without bound what may be empty");
      const std::uint32_t fork = put(op, 0);
      VECMILL_TRY(add(body));
      put(Op::kJump, fork);
      land(fork);
      return {};
    }
    std::vector<std::uint32_t> forks;
    for (std::size_t i = node.min; i < node.max; ++i) {
      forks.push_back(put(op, 0));
      VECMILL_TRY(add(body));
    }
    for (const std::uint32_t fork : forks) land(fork);
    return {};
  }

  Status add_inner(Kind kind, const RegexNode& body) {
    program_.inners.push_back({kind, 0});
    const std::size_t index = program_.inners.size() - 1;
    put(Op::kInner, static_cast<std::uint32_t>(index));
    VECMILL_TRY(add(body));
    put(Op::kAccept, 0);
    program_.inners[index].end = here();
    return {};
  }

  Regex::Program& program_;
  const std::string& where_;
};

}  // namespace

Result<Regex> Regex::compile(std::string_view pattern, const std::string& where) {
  VECMILL_ASSIGN(const RegexNode root, parse_regex(pattern, where));
  Regex regex;
  Compiler compiler(regex.program_, where);
  VECMILL_TRY(compiler.add(root));
  compiler.put(Op::kAccept, 0);
  return regex;
}

void Regex::find_all(std::string_view text, std::vector<Span>& matches) const {
  matches.clear();
  RegexMatcher matcher(program_, text);
  std::size_t from = 0;
  std::optional<std::size_t> last_end;
  while (from <= text.size()) {
    const auto found = matcher.find(from);
    if (!found) return;
    if (found->first == found->last && last_end == found->last) {
      from += from < text.size() ? decode_utf8(text, from).bytes : 1;
      continue;
    }
    matches.push_back(*found);
    from = found->last;
    last_end = from;
  }
}

}  // namespace vecmill::tokenize
