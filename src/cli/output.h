#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/result.h"

namespace vecmill::cli {

/// Builds a JSON object on one line.
class JsonObject {
 public:
  JsonObject& text(std::string_view key, std::string_view value);
  JsonObject& count(std::string_view key, std::uint64_t value);
  template <std::floating_point Number>
  JsonObject& number(std::string_view key,
                     Number value);  ///< the shortest that reads back the same
  JsonObject& yes(std::string_view key, bool value);
  /// `json` is a value as it shall stand there.
  JsonObject& raw(std::string_view key, std::string_view json);

  [[nodiscard]] std::string line() const { return text_ + "}"; }

 private:
  std::string& member(std::string_view key);
  std::string text_ = "{";
};

/// ["a","b"] of what `item` makes of each element: JSON.
template <class List, class Item>
std::string json_array(const List& list, Item item) {
  std::string out = "[";
  for (const auto& element : list) out += (out.size() > 1 ? "," : "") + item(element);
  return out + "]";
}

/// `text` as a JSON string; bytes that are not UTF-8 become U+FFFD.
[[nodiscard]] std::string json_text(std::string_view text);

/// Data, to standard output, with a line end.
///   errors  kIo when nobody takes it
Status print(std::string_view line);

using TableLine = std::vector<std::string>;

/// As `print`, columns as wide as their widest cell; the first `left` of them stand at the left.
Status print_table(const std::vector<TableLine>& lines, std::size_t left);

/// To standard error, with a line end.
void say(std::string_view line);

/// "1,234,567"
[[nodiscard]] std::string with_commas(std::uint64_t number);
/// "12.3 MB"
[[nodiscard]] std::string readable_bytes(std::uint64_t bytes);
[[nodiscard]] std::string fixed(double value, int decimals);

/// The error as people or (`json`) scripts read it, on standard error.
void print_error(const Error& error, bool json);

/// Whether standard error is a terminal that takes colours and moving lines.
[[nodiscard]] bool is_terminal();
[[nodiscard]] bool wants_colour();

}  // namespace vecmill::cli
