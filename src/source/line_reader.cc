#include "vecmill/source/line_reader.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "vecmill/base/utf8.h"

namespace vecmill::source {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{1} << 20;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

Error read_error(const char* what, const std::string& name) {
  return make_error(errno == ENOENT ? ErrorKind::kNotFound : ErrorKind::kIo,
                    std::string(what) + ": " + std::generic_category().message(errno), name);
}

}  // namespace

LineReader::LineReader(int fd, std::string name, std::uint64_t limit)
    : fd_(fd), name_(std::move(name)), limit_(limit), buffer_(kBufferBytes) {}

LineReader::~LineReader() {
  if (fd_ > STDIN_FILENO) ::close(fd_);
}

LineReader::LineReader(LineReader&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      name_(std::move(other.name_)),
      limit_(other.limit_),
      buffer_(std::move(other.buffer_)),
      begin_(other.begin_),
      end_(other.end_),
      offset_(other.offset_),
      line_(other.line_),
      started_(other.started_) {}

Result<LineReader> LineReader::open(const std::string& path, std::uint64_t limit) {
  if (path == "-") return LineReader(STDIN_FILENO, "stdin", limit);
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return read_error("cannot open", path);
  return LineReader(fd, path, limit);
}

Error LineReader::too_long(std::string_view what) const {
  return make_error(ErrorKind::kInvalidData,
                    std::string(what) + " is longer than " + std::to_string(limit_) + " bytes",
                    name_ + ":" + std::to_string(line_ + 1), "split it into smaller texts");
}

/// Reads more behind end_; false at the end of the file.
Result<bool> LineReader::fill() {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == buffer_.size()) buffer_.resize(buffer_.size() * 2);
  while (true) {
    const ssize_t n = ::read(fd_, buffer_.data() + end_, buffer_.size() - end_);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return read_error("cannot read", name_);
    end_ += static_cast<std::size_t>(n);
    return n > 0;
  }
}

Status LineReader::drop_byte_order_mark() {
  started_ = true;
  while (end_ - begin_ < kByteOrderMark.size()) {
    VECMILL_ASSIGN(const bool more, fill());
    if (!more) break;
  }
  if (std::string_view(buffer_.data(), end_).starts_with(kByteOrderMark)) {
    begin_ = kByteOrderMark.size();
    offset_ = begin_;
  }
  return {};
}

Status LineReader::check_utf8(std::string_view line) const {
  if (is_valid_utf8(line)) return {};
  const std::size_t at = first_invalid_utf8(line);
  return make_error(ErrorKind::kInvalidData,
                    "is not UTF-8: byte " + std::to_string(at + 1) + " of the line, byte " +
                        std::to_string(offset_ + at + 1) + " of the file",
                    where(), "convert the file, for example with iconv -t UTF-8");
}

Result<std::optional<std::string_view>> LineReader::next() {
  if (!started_) VECMILL_TRY(drop_byte_order_mark());
  std::size_t searched = 0;
  const void* newline = nullptr;
  while (true) {
    const char* start = buffer_.data() + begin_ + searched;
    newline = std::memchr(start, '\n', end_ - begin_ - searched);
    if (newline != nullptr) break;
    searched = end_ - begin_;
    if (searched > limit_) return too_long("the line");
    VECMILL_ASSIGN(const bool more, fill());
    if (!more) break;
  }
  const char* start = buffer_.data() + begin_;
  const std::size_t size =
      newline != nullptr ? static_cast<std::size_t>(static_cast<const char*>(newline) - start) + 1
                         : end_ - begin_;
  if (size == 0) return std::optional<std::string_view>();
  const std::string_view line(start, size);
  if (without_line_end(line).size() > limit_) return too_long("the line");
  ++line_;
  VECMILL_TRY(check_utf8(line));
  begin_ += size;
  offset_ += size;
  return std::optional(line);
}

Result<std::string> LineReader::rest() {
  if (!started_) VECMILL_TRY(drop_byte_order_mark());
  std::string all;
  while (true) {
    all.append(buffer_.data() + begin_, end_ - begin_);
    begin_ = end_;
    if (all.size() > limit_) return too_long("the file");
    VECMILL_ASSIGN(const bool more, fill());
    if (!more) break;
  }
  if (is_valid_utf8(all)) return all;
  const std::size_t at = first_invalid_utf8(all);
  const auto line =
      std::count(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(at), '\n') + 1;
  return make_error(ErrorKind::kInvalidData,
                    "is not UTF-8: byte " + std::to_string(offset_ + at + 1) + " of the file",
                    name_ + ":" + std::to_string(line),
                    "convert the file, for example with iconv -t UTF-8");
}

std::string_view without_line_end(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace vecmill::source
