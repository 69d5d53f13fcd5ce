#include "vecmill/cli/output.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <cstdlib>

#include "vecmill/base/json_text.h"
#include "vecmill/base/utf8.h"

namespace vecmill::cli {

std::string json_text(std::string_view text) {
  std::string valid, out;
  while (true) {
    const std::size_t good = first_invalid_utf8(text);
    valid.append(text.substr(0, good));
    if (good == text.size()) break;
    append_utf8(valid, 0xFFFD);
    text.remove_prefix(good + 1);
  }
  append_json_string(out, valid);
  return out;
}

std::string& JsonObject::member(std::string_view key) {
  if (text_.size() > 1) text_ += ',';
  append_json_string(text_, key);
  return text_ += ':';
}

JsonObject& JsonObject::text(std::string_view key, std::string_view value) {
  member(key) += json_text(value);
  return *this;
}

JsonObject& JsonObject::count(std::string_view key, std::uint64_t value) {
  member(key) += std::to_string(value);
  return *this;
}

template <std::floating_point Number>
JsonObject& JsonObject::number(std::string_view key, Number value) {
  std::array<char, 64> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  member(key).append(digits.data(), end);
  return *this;
}

template JsonObject& JsonObject::number(std::string_view key, float value);
template JsonObject& JsonObject::number(std::string_view key, double value);

JsonObject& JsonObject::yes(std::string_view key, bool value) {
  member(key) += value ? "true" : "false";
  return *this;
}

JsonObject& JsonObject::raw(std::string_view key, std::string_view json) {
  member(key) += json;
  return *this;
}

Status print(std::string_view line) {
  const bool written = std::fwrite(line.data(), 1, line.size(), stdout) == line.size() &&
                       std::fputc('\n', stdout) != EOF;
  if (!written || std::ferror(stdout) != 0) {
    return make_error(ErrorKind::kIo, "cannot write to standard output");
  }
  return {};
}

Status print_table(const std::vector<TableLine>& lines, std::size_t left) {
  std::vector<std::size_t> widths;
  for (const TableLine& line : lines) {
    widths.resize(std::max(widths.size(), line.size()));
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  }
  for (const TableLine& line : lines) {
    std::string text;
    for (std::size_t i = 0; i < line.size(); ++i) {
      const std::string space(widths[i] - line[i].size(), ' ');
      text += (i > 0 ? "  " : "") + (i < left ? line[i] + space : space + line[i]);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    VECMILL_TRY(print(text));
  }
  return {};
}

void say(std::string_view line) {
  std::string text(line);
  text += '\n';
  std::fwrite(text.data(), 1, text.size(), stderr);
}

std::string with_commas(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

std::string fixed(double value, int decimals) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.*f", decimals, value);
  return text.data();
}

std::string readable_bytes(std::uint64_t bytes) {
  constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= 1000 && unit + 1 < std::size(kUnits); ++unit) value /= 1000;
  return fixed(value, unit == 0 ? 0 : 1) + " " + kUnits[unit];
}

bool is_terminal() {
  const char* term = std::getenv("TERM");
  return isatty(STDERR_FILENO) != 0 && (term == nullptr || std::string_view(term) != "dumb");
}

bool wants_colour() {
  const char* no_colour = std::getenv("NO_COLOR");
  return is_terminal() && (no_colour == nullptr || *no_colour == '\0');
}

void print_error(const Error& error, bool json) {
  if (json) {
    const bool retryable =
        error.kind == ErrorKind::kUnavailable || error.kind == ErrorKind::kLimited;
    JsonObject inner;
    inner.text("code", name(error.kind)).text("message", error.message);
    inner.text("where", error.where).text("hint", error.hint).yes("retryable", retryable);
    say(JsonObject().raw("error", inner.line()).line());
    return;
  }
  say((wants_colour() ? "\033[31merror:\033[0m " : "error: ") + error.to_string());
}

}  // namespace vecmill::cli
