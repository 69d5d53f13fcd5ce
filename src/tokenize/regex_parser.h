#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/result.h"
#include "vecmill/tokenize/char_set.h"

namespace vecmill::tokenize {

/// A parsed regular expression.
struct RegexNode {
  enum class Kind : std::uint8_t {
    kSet,
    kSequence,
    kEither,
    kRepeat,
    kAtomic,
    kAhead,
    kNotAhead,
    kLineStart,
    kLineEnd,
    kTextStart,
    kTextEnd,
    kWordEdge,
    kNotWordEdge
  };
  enum class Greed : std::uint8_t { kGreedy, kLazy, kPossessive };
  static constexpr std::size_t kUnbounded = std::numeric_limits<std::size_t>::max();

  Kind kind = Kind::kSequence;
  CharSet set;                      ///< kSet; what a word is for kWordEdge, kNotWordEdge
  std::vector<RegexNode> children;  ///< one, except for kSequence and kEither
  std::size_t min = 0, max = 0;     ///< kRepeat
  Greed greed = Greed::kGreedy;     ///< kRepeat
};

///   errors  as Regex::compile
Result<RegexNode> parse_regex(std::string_view pattern, const std::string& where);

}  // namespace vecmill::tokenize
