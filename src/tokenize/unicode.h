#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "vecmill/tokenize/unicode_tables.h"

namespace vecmill::tokenize {

/// What the Hugging Face library believes of a code point; see tools/unicode for the versions.
enum Flag : std::uint16_t {
  kWhiteSpace = 1 << 0,
  kBertPunctuation = 1 << 1,
  kBertRemoved = 1 << 2,  ///< BertNormalizer's clean_text deletes it
  kBertSpace = 1 << 3,    ///< clean_text makes it a space
  kBertChinese = 1 << 4,
  kBertMark = 1 << 5,  ///< BertNormalizer's strip_accents deletes it
  kMark = 1 << 6,      ///< StripAccents deletes it
  kWord = 1 << 7,      ///< \w of added tokens and of Whitespace
  kNumeric = 1 << 8,
  kNmtRemoved = 1 << 9,
  kNmtSpace = 1 << 10,
};

/// General categories in the order of the generated table.
enum class Category : std::uint8_t {
  kCn,
  kCc,
  kCf,
  kCo,
  kCs,
  kLl,
  kLm,
  kLo,
  kLt,
  kLu,
  kMc,
  kMe,
  kMn,
  kNd,
  kNl,
  kNo,
  kPc,
  kPd,
  kPe,
  kPf,
  kPi,
  kPo,
  kPs,
  kSc,
  kSk,
  kSm,
  kSo,
  kZl,
  kZp,
  kZs,
};

enum class Grapheme : std::uint8_t { kOther, kControl, kExtends, kPrepends };
enum class Form : std::uint8_t { kNfc, kNfd, kNfkc, kNfkd };

template <class Value>
[[nodiscard]] inline Value property(const std::uint16_t* first, const Value* second, char32_t c) {
  return second[std::size_t{first[c >> 7]} * 128 + (c & 127)];
}

[[nodiscard]] inline bool has(char32_t c, std::uint16_t flags) {
  return (property(tables::kFlagsFirst, tables::kFlagsSecond, c) & flags) != 0;
}
[[nodiscard]] inline Category category(char32_t c) {
  return Category{property(tables::kCategoryFirst, tables::kCategorySecond, c)};
}
/// UnicodeScripts splits between two different classes; class 0 goes with any other.
[[nodiscard]] inline std::uint8_t script_class(char32_t c) {
  return property(tables::kScriptFirst, tables::kScriptSecond, c);
}
[[nodiscard]] inline std::uint8_t combining_class(char32_t c) {
  return property(tables::kCombiningFirst, tables::kCombiningSecond, c);
}

/// Whether `c` belongs to the same grapheme cluster as an ASCII space before it.
[[nodiscard]] inline bool joins_before(char32_t c) {
  return property(tables::kGraphemeFirst, tables::kGraphemeSecond, c) ==
         static_cast<std::uint8_t>(Grapheme::kExtends);
}

/// Full lower-case mapping of one code point, without context.
void append_lower(std::u32string& out, char32_t c);

/// The normal form, Unicode 9.0. Linear in the length, long runs of marks included.
[[nodiscard]] std::u32string normalize(std::u32string_view text, Form form);

/// The end of the extended grapheme cluster that starts at `at`. Emoji sequences may be cut: the
/// callers look only at clusters of at most five UTF-8 bytes, which those exceed.
[[nodiscard]] std::size_t grapheme_end(std::string_view text, std::size_t at);

/// Whether `c` joins neither another such character before it nor one behind it in a cluster.
[[nodiscard]] bool stands_alone(char32_t c);

[[nodiscard]] std::u32string to_utf32(std::string_view text);
void append_points(std::string& out, std::u32string_view text);

}  // namespace vecmill::tokenize
