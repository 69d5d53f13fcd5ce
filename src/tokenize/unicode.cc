#include "vecmill/tokenize/unicode.h"

#include <algorithm>
#include <optional>

#include "vecmill/base/utf8.h"

namespace vecmill::tokenize {
namespace {

constexpr char32_t kFirstSyllable = 0xAC00, kFirstLead = 0x1100, kFirstVowel = 0x1161,
                   kBeforeTrail = 0x11A7;
constexpr std::uint32_t kLeads = 19, kVowels = 21, kTrails = 28;
constexpr std::uint32_t kSyllables = kLeads * kVowels * kTrails;

bool is_syllable(char32_t c) { return c - kFirstSyllable < kSyllables; }

struct MappingTable {
  const std::uint16_t* first;
  const std::uint16_t* second;
  const std::uint16_t* offsets;
  const char32_t* pool;
};

void append_mapped(std::u32string& out, const MappingTable& map, char32_t c) {
  const std::uint16_t index = property(map.first, map.second, c);
  if (index == 0) {
    out += c;
  } else {
    out.append(map.pool + map.offsets[index - 1], map.pool + map.offsets[index]);
  }
}

void append_decomposed(std::u32string& out, char32_t c, bool compatibility) {
  if (is_syllable(c)) {
    const std::uint32_t index = c - kFirstSyllable;
    out.push_back(kFirstLead + index / (kVowels * kTrails));
    out.push_back(kFirstVowel + index % (kVowels * kTrails) / kTrails);
    if (index % kTrails != 0) out += kBeforeTrail + index % kTrails;
    return;
  }
  using namespace tables;
  append_mapped(out,
                compatibility ? MappingTable{kNfkdFirst, kNfkdSecond, kNfkdOffsets, kNfkdPool}
                              : MappingTable{kNfdFirst, kNfdSecond, kNfdOffsets, kNfdPool},
                c);
}

/// Sorts each run of combining marks by class, keeping the order of equal ones.
void order_marks(std::u32string& text) {
  std::size_t i = 0;
  while (i < text.size()) {
    if (combining_class(text[i]) == 0) {
      ++i;
      continue;
    }
    std::size_t end = i + 1;
    while (end < text.size() && combining_class(text[end]) != 0) ++end;
    const auto by_class = [](char32_t a, char32_t b) {
      return combining_class(a) < combining_class(b);
    };
    const auto begin = text.begin() + static_cast<std::ptrdiff_t>(i);
    const auto stop = text.begin() + static_cast<std::ptrdiff_t>(end);
    if (!std::is_sorted(begin, stop, by_class)) std::stable_sort(begin, stop, by_class);
    i = end;
  }
}

std::optional<char32_t> compose(char32_t a, char32_t b) {
  if (a - kFirstLead < kLeads && b - kFirstVowel < kVowels) {
    return kFirstSyllable + ((a - kFirstLead) * kVowels + (b - kFirstVowel)) * kTrails;
  }
  if (is_syllable(a) && (a - kFirstSyllable) % kTrails == 0 && b > kBeforeTrail &&
      b - kBeforeTrail < kTrails) {
    return a + (b - kBeforeTrail);
  }
  const tables::Composition* end = tables::kCompositions + tables::kCompositionCount;
  const auto* found =
      std::lower_bound(tables::kCompositions, end, std::pair{a, b},
                       [](const tables::Composition& c, const std::pair<char32_t, char32_t>& key) {
                         return std::pair{c.first, c.second} < key;
                       });
  if (found == end || found->first != a || found->second != b) return std::nullopt;
  return found->whole;
}

void compose_in_place(std::u32string& text) {
  std::size_t out = 0;
  std::optional<std::size_t> starter;
  std::uint8_t last_class = 0;
  for (const char32_t c : text) {
    const std::uint8_t this_class = combining_class(c);
    const bool adjacent = starter && *starter + 1 == out;
    if (starter && (adjacent || (last_class < this_class && last_class != 0))) {
      if (const auto whole = compose(text[*starter], c)) {
        text[*starter] = *whole;
        continue;
      }
    }
    if (this_class == 0) starter = out;
    last_class = this_class;
    text[out++] = c;
  }
  text.resize(out);
}

enum class Hangul : std::uint8_t { kNone, kLead, kVowel, kTrail, kLv, kLvt };

Hangul hangul(char32_t c) {
  if (is_syllable(c)) return (c - kFirstSyllable) % kTrails == 0 ? Hangul::kLv : Hangul::kLvt;
  const auto in = [c](char32_t first, char32_t last) { return c >= first && c <= last; };
  if (in(0x1100, 0x115F) || in(0xA960, 0xA97C)) return Hangul::kLead;
  if (in(0x1160, 0x11A7) || in(0xD7B0, 0xD7C6)) return Hangul::kVowel;
  if (in(0x11A8, 0x11FF) || in(0xD7CB, 0xD7FB)) return Hangul::kTrail;
  return Hangul::kNone;
}

bool hangul_joins(Hangul a, Hangul b) {
  switch (a) {
    case Hangul::kLead: return b != Hangul::kNone && b != Hangul::kTrail;
    case Hangul::kLv:
    case Hangul::kVowel: return b == Hangul::kVowel || b == Hangul::kTrail;
    case Hangul::kLvt:
    case Hangul::kTrail: return b == Hangul::kTrail;
    case Hangul::kNone: return false;
  }
  return false;
}

Grapheme grapheme(char32_t c) {
  return Grapheme{property(tables::kGraphemeFirst, tables::kGraphemeSecond, c)};
}

}  // namespace

void append_lower(std::u32string& out, char32_t c) {
  using namespace tables;
  append_mapped(out, MappingTable{kLowerFirst, kLowerSecond, kLowerOffsets, kLowerPool}, c);
}

std::u32string normalize(std::u32string_view text, Form form) {
  const bool compatibility = form == Form::kNfkc || form == Form::kNfkd;
  std::u32string out;
  out.reserve(text.size() + text.size() / 4);
  for (const char32_t c : text) append_decomposed(out, c, compatibility);
  order_marks(out);
  if (form == Form::kNfc || form == Form::kNfkc) compose_in_place(out);
  return out;
}

std::size_t grapheme_end(std::string_view text, std::size_t at) {
  CodePoint before = decode_utf8(text, at);
  at += before.bytes;
  if (grapheme(before.value) == Grapheme::kControl) {
    return before.value == U'\r' && at < text.size() && text[at] == '\n' ? at + 1 : at;
  }
  while (at < text.size()) {
    const CodePoint c = decode_utf8(text, at);
    const Grapheme kind = grapheme(c.value);
    if (kind == Grapheme::kControl) break;
    if (kind != Grapheme::kExtends && grapheme(before.value) != Grapheme::kPrepends &&
        !hangul_joins(hangul(before.value), hangul(c.value))) {
      break;
    }
    before = c;
    at += c.bytes;
  }
  return at;
}

bool stands_alone(char32_t c) {
  return grapheme(c) == Grapheme::kOther && hangul(c) == Hangul::kNone;
}

std::u32string to_utf32(std::string_view text) {
  std::u32string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint c = decode_utf8(text, i);
    out += c.value;
    i += c.bytes;
  }
  return out;
}

void append_points(std::string& out, std::u32string_view text) {
  for (const char32_t c : text) append_utf8(out, c);
}

}  // namespace vecmill::tokenize
