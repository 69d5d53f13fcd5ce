#include "vecmill/base/json_text.h"

#include <array>
#include <cstdint>

#include "vecmill/base/utf8.h"

namespace vecmill {
namespace {

constexpr int kMaxDepth = 128;
constexpr std::string_view kHex = "0123456789abcdef";

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

char32_t hex4(std::string_view raw, std::size_t at) {
  char32_t value = 0;
  for (std::size_t i = at; i < at + 4; ++i) {
    value = value << 4 | static_cast<char32_t>(hex_value(raw[i]));
  }
  return value;
}

constexpr std::array<bool, 256> make_plain_table() {
  std::array<bool, 256> plain{};
  for (std::size_t c = 0x20; c < 256; ++c) plain[c] = c != '"' && c != '\\';
  return plain;
}
constexpr std::array<bool, 256> kPlain = make_plain_table();

bool is_plain(char c) { return kPlain[static_cast<unsigned char>(c)]; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  std::optional<JsonProblem> object(std::vector<JsonField>& fields) {
    fields.clear();
    skip_space();
    if (peek() != '{') return problem("is not a JSON object");
    if (!members(&fields, 0)) return problem(what_);
    skip_space();
    if (at_ != text_.size()) return problem("has something behind the JSON object");
    return std::nullopt;
  }

 private:
  [[nodiscard]] JsonProblem problem(std::string_view what) const { return {what, at_}; }
  bool fail(std::string_view what) {
    what_ = what;
    return false;
  }
  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_space() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) {
      ++at_;
    }
  }

  bool members(std::vector<JsonField>* fields, int depth) {
    ++at_;  // the brace
    skip_space();
    if (peek() == '}') return ++at_, true;
    while (true) {
      if (peek() != '"') return fail("needs a quoted key here");
      const std::size_t key = at_ + 1;
      if (!string()) return false;
      const std::size_t key_end = at_ - 1;
      skip_space();
      if (peek() != ':') return fail("needs a colon here");
      ++at_;
      skip_space();
      const std::size_t start = at_;
      if (!value(depth)) return false;
      if (fields != nullptr) {
        fields->push_back({text_.substr(key, key_end - key), text_.substr(start, at_ - start)});
      }
      skip_space();
      if (peek() == '}') return ++at_, true;
      if (peek() != ',') return fail("needs a comma or a closing brace here");
      ++at_;
      skip_space();
    }
  }

  bool elements(int depth) {
    ++at_;  // the bracket
    skip_space();
    if (peek() == ']') return ++at_, true;
    while (true) {
      if (!value(depth)) return false;
      skip_space();
      if (peek() == ']') return ++at_, true;
      if (peek() != ',') return fail("needs a comma or a closing bracket here");
      ++at_;
      skip_space();
    }
  }

  bool value(int depth) {
    if (depth >= kMaxDepth) return fail("is nested too deep");
    switch (peek()) {
      case '"': return string();
      case '{': return members(nullptr, depth + 1);
      case '[': return elements(depth + 1);
      case 't': return literal("true");
      case 'f': return literal("false");
      case 'n': return literal("null");
      default: return number();
    }
  }

  bool literal(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return fail("has an unknown word here");
    at_ += word.size();
    return true;
  }

  bool string() {
    ++at_;
    while (true) {
      while (at_ < text_.size() && is_plain(text_[at_])) ++at_;
      if (at_ == text_.size()) return fail("ends inside a string");
      const char c = text_[at_];
      if (c == '"') return ++at_, true;
      if (c != '\\') return fail("has an unescaped control character in a string");
      if (!escape()) return false;
    }
  }

  bool escape() {
    const char c = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    if (c != 'u') {
      if (c == '\0' || std::string_view("\"\\/bfnrt").find(c) == std::string_view::npos) {
        return fail("has an unknown escape");
      }
      at_ += 2;
      return true;
    }
    for (std::size_t i = at_ + 2; i < at_ + 6; ++i) {
      if (i >= text_.size() || hex_value(text_[i]) < 0) return fail("has a broken \\u escape");
    }
    at_ += 6;
    return true;
  }

  bool digits() {
    if (!is_digit(peek())) return fail("has a broken number or value here");
    while (is_digit(peek())) ++at_;
    return true;
  }

  bool number() {
    if (peek() == '-') ++at_;
    if (peek() == '0') {
      ++at_;
    } else if (!digits()) {
      return false;
    }
    if (peek() == '.') {
      ++at_;
      if (!digits()) return false;
    }
    if (peek() == 'e' || peek() == 'E') {
      ++at_;
      if (peek() == '+' || peek() == '-') ++at_;
      if (!digits()) return false;
    }
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::string_view what_;
};

char simple_escape(char c) {
  switch (c) {
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return c;
  }
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t start = at;
    while (at < text.size() && is_plain(text[at])) ++at;
    out.append(text, start, at - start);
    if (at == text.size()) break;
    const char c = text[at++];
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default:
        out += "\\u00";
        out += kHex[static_cast<unsigned char>(c) >> 4];
        out += kHex[static_cast<unsigned char>(c) & 15];
    }
  }
  out += '"';
}

std::optional<JsonProblem> scan_json_object(std::string_view text, std::vector<JsonField>& fields) {
  return Scanner(text).object(fields);
}

bool unescape_json(std::string_view raw, std::string& out) {
  out.clear();
  out.reserve(raw.size());
  std::size_t at = 0;
  while (true) {
    const std::size_t slash = raw.find('\\', at);
    if (slash == std::string_view::npos) {
      out.append(raw, at);
      return true;
    }
    out.append(raw, at, slash - at);
    at = slash + 2;
    if (raw[slash + 1] != 'u') {
      out += simple_escape(raw[slash + 1]);
      continue;
    }
    char32_t c = hex4(raw, at);
    at += 4;
    if (c >= 0xDC00 && c < 0xE000) return false;
    if (c >= 0xD800 && c < 0xDC00) {
      if (raw.substr(at, 2) != "\\u") return false;
      const char32_t low = hex4(raw, at + 2);
      if (low < 0xDC00 || low >= 0xE000) return false;
      c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
      at += 6;
    }
    append_utf8(out, c);
  }
}

std::optional<std::string> json_string(std::string_view value) {
  if (value.size() < 2 || value.front() != '"') return std::nullopt;
  std::string out;
  if (!unescape_json(value.substr(1, value.size() - 2), out)) return std::nullopt;
  return out;
}

}  // namespace vecmill
