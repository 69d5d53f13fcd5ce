#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/result.h"

namespace vecmill::source {

/// Lines of a file or of standard input, in memory of one buffer. Drops a byte order mark, checks
/// UTF-8.
class LineReader {
 public:
  /// `path` "-" is standard input. A line longer than `limit` bytes is an error.
  static Result<LineReader> open(const std::string& path, std::uint64_t limit);
  ~LineReader();
  LineReader(LineReader&& other) noexcept;
  LineReader& operator=(LineReader&&) = delete;

  /// The next line with its line end, valid until the next call; nothing at the end.
  ///   errors  kInvalidData with line and byte, kIo
  Result<std::optional<std::string_view>> next();

  /// Everything that is left.
  Result<std::string> rest();

  /// Number of the line that `next` gave last, from 1.
  [[nodiscard]] std::uint64_t line() const { return line_; }

  /// "path:line" of the line that `next` gave last.
  [[nodiscard]] std::string where() const { return name_ + ":" + std::to_string(line_); }
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  LineReader(int fd, std::string name, std::uint64_t limit);
  Result<bool> fill();
  Status drop_byte_order_mark();
  Status check_utf8(std::string_view line) const;
  [[nodiscard]] Error too_long(std::string_view what) const;

  int fd_;
  std::string name_;
  std::uint64_t limit_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::uint64_t offset_ = 0;  ///< in the file, of begin_
  std::uint64_t line_ = 0;
  bool started_ = false;
};

/// A line without its "\n" or "\r\n".
[[nodiscard]] std::string_view without_line_end(std::string_view line);

}  // namespace vecmill::source
