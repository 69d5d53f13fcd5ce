#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace vecmill::source {

/// One record of RFC 4180, fed line by line because a quoted field may hold line ends. A quote
/// inside a field that does not start with one is an ordinary character.
class CsvRow {
 public:
  enum class State { kComplete, kNeedsMore, kBroken /* something behind a closing quote */ };

  explicit CsvRow(char separator) : separator_(separator) {}

  /// Starts a new record.
  void clear();

  /// Adds a line with its line end. Call again with the next line after kNeedsMore.
  State add(std::string_view line);

  [[nodiscard]] const std::vector<std::string>& fields() const { return fields_; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  std::size_t quoted(std::string_view line, std::size_t at);

  char separator_;
  std::vector<std::string> fields_;
  bool in_quotes_ = false;
  std::size_t bytes_ = 0;
};

}  // namespace vecmill::source
