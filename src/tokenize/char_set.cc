#include "vecmill/tokenize/char_set.h"

#include <algorithm>
#include <utility>

#include "vecmill/tokenize/unicode.h"

namespace vecmill::tokenize {
namespace {

constexpr std::string_view kCategoryNames[] = {
    "Cn", "Cc", "Cf", "Co", "Cs", "Ll", "Lm", "Lo", "Lt", "Lu", "Mc", "Me", "Mn", "Nd", "Nl",
    "No", "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "Sc", "Sk", "Sm", "So", "Zl", "Zp", "Zs"};

bool is_ascii_letter(char32_t c) { return (c | 0x20) >= U'a' && (c | 0x20) <= U'z'; }

/// The lower-case ASCII letter that `c` folds to; `c` itself when there is none.
char32_t fold(char32_t c) {
  if (c == U'\u017F') return U's';
  if (c == U'\u212A') return U'k';
  return is_ascii_letter(c) ? c | 0x20 : c;
}

bool holds(const CharSet& set, char32_t c) {
  if ((set.categories >> static_cast<unsigned>(category(c)) & 1) != 0) return true;
  if (set.flags != 0 && has(c, set.flags)) return true;
  for (const CharSet::Range& range : set.ranges) {
    if (c >= range.first && c <= range.last) return true;
  }
  return std::any_of(set.nested.begin(), set.nested.end(),
                     [c](const CharSet& inner) { return inner.contains(c); });
}

}  // namespace

bool CharSet::contains(char32_t c) const {
  bool inside = holds(*this, c);
  if (!inside && ignore_case) {
    const char32_t lower = fold(c);
    inside = is_ascii_letter(lower) && (holds(*this, lower) || holds(*this, lower - 0x20));
  }
  return inside != negated;
}

CharSet CharSet::one(char32_t c) {
  CharSet set;
  set.ranges = {{c, c}};
  return set;
}

std::uint32_t CharSet::category_bits(std::string_view name) {
  std::uint32_t bits = 0, bit = 1;
  for (const std::string_view full : kCategoryNames) {
    if (name == full || (name.size() == 1 && full[0] == name[0])) bits |= bit;
    bit <<= 1;
  }
  return bits;
}

FastSet::FastSet(CharSet set) : set_(std::move(set)) {
  for (char32_t c = 0; c < 128; ++c) {
    if (set_.contains(c)) ascii_[c >> 6] |= std::uint64_t{1} << (c & 63);
  }
}

}  // namespace vecmill::tokenize
