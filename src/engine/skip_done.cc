#include "vecmill/engine/skip_done.h"

#include <charconv>
#include <utility>

namespace vecmill::engine {
namespace {

/// A page ends with the texts that take it beyond one of these.
constexpr std::size_t kPageRecords = 1024, kPageBytes = 4 << 20;
constexpr std::size_t kAtOnce = 32;

}  // namespace

SkipDone::SkipDone(std::unique_ptr<Source> inner, FindDone find_done)
    : inner_(std::move(inner)), find_done_(std::move(find_done)), page_start_(inner_->position()) {}

Status SkipDone::read_page() {
  page_start_ = inner_->position();
  page_.clear();
  at_ = 0;
  for (std::size_t bytes = 0; page_.size() < kPageRecords && bytes < kPageBytes;) {
    VECMILL_ASSIGN(auto records, inner_->next(kAtOnce));
    if (records.empty()) break;
    for (Record& record : records) {
      bytes += record.text.size() + record.metadata.size();
      page_.push_back(std::move(record));
    }
  }
  if (page_.empty()) return {};
  VECMILL_ASSIGN(done_, find_done_(page_));
  return {};
}

Result<std::vector<Record>> SkipDone::next(std::size_t count) {
  std::vector<Record> records;
  while (records.size() < count) {
    if (at_ == page_.size()) {
      VECMILL_TRY(read_page());
      if (page_.empty()) break;
    }
    if (done_[at_]) {
      ++skipped_;
    } else {
      records.push_back(std::move(page_[at_]));
    }
    ++at_;
  }
  return records;
}

/// "<records of the page that are passed> <position in front of the page>"
std::string SkipDone::position() const { return std::to_string(at_) + " " + page_start_; }

Status SkipDone::seek(const std::string& position) {
  std::size_t passed = 0;
  const char* end = position.data() + position.size();
  const auto read = std::from_chars(position.data(), end, passed);
  if (read.ec != std::errc() || read.ptr == end) {
    return make_error(ErrorKind::kInvalidData, "is not a position in an input", position);
  }
  VECMILL_TRY(inner_->seek(std::string(read.ptr + 1, end)));
  VECMILL_TRY(read_page());
  if (passed > page_.size()) {
    return make_error(ErrorKind::kMismatch, "the input is not the one of the interrupted run");
  }
  at_ = passed;
  return {};
}

}  // namespace vecmill::engine
