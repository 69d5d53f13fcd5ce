#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/result.h"
#include "vecmill/tokenize/char_set.h"
#include "vecmill/tokenize/regex_parser.h"

namespace vecmill::tokenize {

/// A part of a text, in bytes.
struct Span {
  std::size_t first = 0, last = 0;
};

/// The part of Oniguruma's syntax that tokenizers use: literals, escapes, classes with \s \w \d
/// \p{..} and nested ones, groups, alternation, ? * + {n,m} greedy, lazy or possessive, atomic
/// groups, lookahead, (?i:..), ^ $ \A \z \b \B. Anything else is refused by name. Matching takes
/// time in proportion to pattern times text, whatever they are: states that failed once are not
/// tried twice.
class Regex {
 public:
  ///   errors  kUnsupported, kInvalidData: what, and at which byte of the pattern
  static Result<Regex> compile(std::string_view pattern, const std::string& where);

  /// The matches from left to right, none over another, each with the first alternative that fits.
  /// An empty match directly behind another match does not count.
  void find_all(std::string_view text, std::vector<Span>& matches) const;

  enum class Op : std::uint8_t {
    kSet,    ///< one character out of sets[arg]
    kLoop,   ///< loops[arg], then the next instruction
    kFork,   ///< the next instruction; if that fails, `arg`
    kLeave,  ///< `arg`; if that fails, the next instruction
    kJump,   ///< `arg`
    kInner,  ///< inners[arg]: a program of its own from the next instruction to its end
    kPlace,  ///< RegexNode::Kind(arg)
    kEdge,   ///< between a character of sets[arg] and one that is not
    kNoEdge,
    kAccept,
  };
  struct Instruction {
    Op op;
    std::uint32_t arg;
    std::uint32_t branch = 0;  ///< numbers kFork, kLeave and kLoop
  };
  /// A single character, repeated as often as possible.
  struct Loop {
    std::uint32_t set;
    std::size_t min, max;
    bool possessive;
  };
  /// Lookahead or atomic group.
  struct Inner {
    RegexNode::Kind kind;
    std::uint32_t end;  ///< the instruction behind it
  };
  struct Program {
    std::vector<Instruction> code;
    std::vector<FastSet> sets;
    std::vector<Loop> loops;
    std::vector<Inner> inners;
    std::uint32_t branches = 0;
  };

 private:
  Program program_;
};

}  // namespace vecmill::tokenize
