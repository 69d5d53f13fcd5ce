#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace vecmill::tokenize {

/// A set of code points, as a regular expression writes it.
struct CharSet {
  struct Range {
    char32_t first, last;
  };
  bool negated = false;
  bool ignore_case = false;  ///< ASCII letters, and the two letters that fold into one
  std::vector<Range> ranges;
  std::uint32_t categories = 0;  ///< a bit per Category
  std::uint16_t flags = 0;       ///< any of these Flags
  std::vector<CharSet> nested;

  [[nodiscard]] bool contains(char32_t c) const;

  static CharSet one(char32_t c);
  /// Lu, L, .. ; empty when there is no such general category.
  static std::uint32_t category_bits(std::string_view name);
};

/// A CharSet that answers at once for ASCII.
class FastSet {
 public:
  explicit FastSet(CharSet set);
  [[nodiscard]] bool contains(char32_t c) const {
    return c < 128 ? (ascii_[c >> 6] >> (c & 63) & 1) != 0 : set_.contains(c);
  }

 private:
  std::array<std::uint64_t, 2> ascii_{};
  CharSet set_;
};

}  // namespace vecmill::tokenize
