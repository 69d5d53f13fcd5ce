#include "vecmill/tokenize/known_patterns.h"

#include "vecmill/tokenize/char_set.h"
#include "vecmill/tokenize/unicode.h"

namespace vecmill::tokenize {
namespace {

constexpr std::string_view kGpt2 =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
constexpr std::string_view kCl100k =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kQwen2 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

/// All that the patterns tell apart.
enum class Kind : std::uint8_t { kOther, kLetter, kNumber, kSpace, kEnd };

constexpr std::uint32_t bit(Category c) { return 1U << static_cast<unsigned>(c); }
constexpr std::uint32_t kLetters = bit(Category::kLl) | bit(Category::kLm) | bit(Category::kLo) |
                                   bit(Category::kLt) | bit(Category::kLu);
constexpr std::uint32_t kNumbers = bit(Category::kNd) | bit(Category::kNl) | bit(Category::kNo);

struct Char {
  char32_t value;
  std::size_t next;
  Kind kind;
};

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  [[nodiscard]] Char at(std::size_t i) const {
    if (i >= text_.size()) return {0, i, Kind::kEnd};
    const CodePoint c = decode_utf8(text_, i);
    const std::uint32_t mask = 1U << static_cast<unsigned>(category(c.value));
    const Kind kind = (mask & kLetters) != 0      ? Kind::kLetter
                      : (mask & kNumbers) != 0    ? Kind::kNumber
                      : has(c.value, kWhiteSpace) ? Kind::kSpace
                                                  : Kind::kOther;
    return {c.value, i + c.bytes, kind};
  }

  [[nodiscard]] std::size_t skip(std::size_t i, Kind kind) const {
    for (Char c = at(i); c.kind == kind; c = at(i)) i = c.next;
    return i;
  }

  /// \s+(?!\S)|\s+ : white space but for the last one before a word.
  [[nodiscard]] std::size_t skip_spaces(std::size_t i) const {
    std::size_t last = i, end = i;
    for (Char c = at(i); c.kind == Kind::kSpace; c = at(end)) {
      last = end;
      end = c.next;
    }
    return end == text_.size() || last == i ? end : last;
  }

  [[nodiscard]] std::size_t skip_newlines(std::size_t i) const {
    while (i < text_.size() && (text_[i] == '\r' || text_[i] == '\n')) ++i;
    return i;
  }

  /// The end of 's 't 're 've 'm 'll 'd behind the apostrophe at `i`; `i` when there is none.
  [[nodiscard]] std::size_t contraction(std::size_t i, bool ignore_case) const {
    if (i >= text_.size() || text_[i] != '\'') return i;
    const Char first = at(i + 1), second = at(first.next);
    const auto is = [ignore_case](const Char& c, char32_t letter) {
      if (c.value == letter) return true;
      return ignore_case && (c.value == letter - 0x20 || (letter == U's' && c.value == 0x17F));
    };
    for (const char32_t letter : {U's', U't', U'm', U'd'}) {
      if (is(first, letter)) return first.next;
    }
    if ((is(first, U'r') || is(first, U'v')) && is(second, U'e')) return second.next;
    if (is(first, U'l') && is(second, U'l')) return second.next;
    return i;
  }

 private:
  const std::string_view text_;
};

std::size_t next_gpt2(const Scanner& scan, std::size_t i) {
  if (const std::size_t end = scan.contraction(i, false); end != i) return end;
  Char c = scan.at(i);
  if (c.value == U' ') {
    const Char behind = scan.at(c.next);
    if (behind.kind != Kind::kSpace && behind.kind != Kind::kEnd) c = behind;
  }
  return c.kind == Kind::kSpace ? scan.skip_spaces(i) : scan.skip(c.next, c.kind);
}

/// \s*[\r\n]+|\s+(?!\S)|\s+
std::size_t skip_lines(const Scanner& scan, std::size_t i) {
  std::size_t behind_newline = i, end = i;
  for (Char c = scan.at(i); c.kind == Kind::kSpace; c = scan.at(end)) {
    end = c.next;
    if (c.value == U'\r' || c.value == U'\n') behind_newline = end;
  }
  return behind_newline != i ? behind_newline : scan.skip_spaces(i);
}

template <int kMostDigits>
std::size_t next_cl100k(const Scanner& scan, std::size_t i) {
  if (const std::size_t end = scan.contraction(i, true); end != i) return end;
  const Char c = scan.at(i), behind = scan.at(c.next);
  if (c.kind == Kind::kLetter) return scan.skip(c.next, Kind::kLetter);
  const bool newline = c.value == U'\r' || c.value == U'\n';
  if (c.kind != Kind::kNumber && !newline && behind.kind == Kind::kLetter) {
    return scan.skip(behind.next, Kind::kLetter);
  }
  if (c.kind == Kind::kNumber) {
    std::size_t end = c.next;
    Char digit = scan.at(end);
    for (int n = 1; n < kMostDigits && digit.kind == Kind::kNumber; ++n) {
      end = digit.next;
      digit = scan.at(end);
    }
    return end;
  }
  if (c.kind == Kind::kOther || (c.value == U' ' && behind.kind == Kind::kOther)) {
    return scan.skip_newlines(scan.skip(c.next, Kind::kOther));
  }
  return skip_lines(scan, i);
}

template <std::size_t (*kNext)(const Scanner&, std::size_t)>
void cut(std::string_view text, const Emit& emit) {
  const Scanner scan(text);
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t end = kNext(scan, i);
    emit(i, end);
    i = end;
  }
}

}  // namespace

void cut_like_gpt2(std::string_view text, const Emit& emit) { cut<next_gpt2>(text, emit); }

KnownCut find_known_pattern(std::string_view pattern) {
  if (pattern == kGpt2) return cut_like_gpt2;
  if (pattern == kCl100k) return cut<next_cl100k<3>>;
  if (pattern == kQwen2) return cut<next_cl100k<1>>;
  return nullptr;
}

}  // namespace vecmill::tokenize
