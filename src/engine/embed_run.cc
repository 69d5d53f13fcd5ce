#include "vecmill/engine/embed_run.h"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <optional>
#include <thread>

#include "vecmill/engine/bounded_queue.h"

namespace vecmill::engine {
namespace {

constexpr std::size_t kWindowTexts = 2048;
constexpr std::uint64_t kWindowBytes = 128 << 10;            // some 30,000 tokens
constexpr std::uint64_t kMultivectorWindowBytes = 16 << 10;  // some 4,000 tokens, 16 MB of bge-m3
constexpr std::uint64_t kRemoteWindowBytes = 1 << 20;        // several full requests at once
constexpr std::size_t kReadTexts = 64;
/// A commit waits for the disk: cheap texts share one, expensive ones get their own.
constexpr std::uint64_t kCommitBytes = 64 << 10;
constexpr std::uint64_t kCommitRows = 8192;
constexpr std::size_t kTruncatedIds = 20;

/// The first error of any thread.
class FirstError {
 public:
  void set(Error error) {
    const std::lock_guard lock(mutex_);
    if (!error_) error_ = std::move(error);
  }
  std::optional<Error> get() {
    const std::lock_guard lock(mutex_);
    return error_;
  }

 private:
  std::mutex mutex_;
  std::optional<Error> error_;
};

/// The writing end: rows into the sink, a commit now and then, the report kept up to date.
class Writer {
 public:
  Writer(Sink& sink, const std::function<void(const EmbedProgress&)>& progress)
      : sink_(sink), progress_(progress), start_(std::chrono::steady_clock::now()) {}

  Status write(const EmbeddedWindow& window) {
    // After a failed write nobody knows which rows arrived: the last commit is what counts.
    broken_ = true;
    VECMILL_TRY(sink_.write(window.rows));
    broken_ = false;
    count(window);
    position_ = window.position;
    waiting_bytes_ += window.bytes;
    waiting_rows_ += window.rows.size();
    if (waiting_bytes_ >= kCommitBytes || waiting_rows_ >= kCommitRows) VECMILL_TRY(commit());
    if (progress_) {
      EmbedProgress now;
      now.texts = report.embedded + report.failed + report.skipped;
      now.tokens = report.tokens;
      now.cached = report.cache.hits;
      now.failed = report.failed;
      now.seconds = seconds();
      progress_(now);
    }
    return {};
  }

  Status commit() {
    if (broken_ || !position_) return {};
    waiting_bytes_ = waiting_rows_ = 0;
    return sink_.commit(*std::exchange(position_, std::nullopt));
  }

  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

  EmbedReport report;

 private:
  void count(const EmbeddedWindow& window) {
    report.embedded += window.embedded;
    report.failed += window.failed;
    report.skipped += window.skipped;
    report.empty += window.empty;
    report.tokens += window.tokens;
    report.cache.hits += window.cached;
    report.cache.duplicates += window.shared;
    report.cache.misses += window.embedded - window.cached - window.shared;
    for (const OutputRow& row : window.rows) {
      if (row.truncated_tokens == 0) continue;
      ++report.truncated_texts;
      report.truncated_tokens += row.truncated_tokens;
      if (report.truncated_ids.size() < kTruncatedIds) report.truncated_ids.push_back(row.id);
    }
  }

  Sink& sink_;
  const std::function<void(const EmbedProgress&)>& progress_;
  const std::chrono::steady_clock::time_point start_;
  std::optional<std::string> position_;  ///< behind the last row that is not committed yet
  std::uint64_t waiting_bytes_ = 0, waiting_rows_ = 0;
  bool broken_ = false;
};

EmbeddedWindow embed_next(const RunParts& parts, Window window, const EmbedJob& job) {
  const Status ready = parts.before ? parts.before(window) : Status();
  if (ready) return embed_window(std::move(window), job, parts.provider, parts.pool);
  EmbeddedWindow none;
  none.fatal = ready.error();
  return none;
}

/// The finished part of the window in which a run ended, if the source can say where that is:
/// nothing of it is made, or paid for, again.
void write_part(Source& source, const std::string& start, EmbeddedWindow part, Writer& writer) {
  if (part.records == 0 || !source.seek(start)) return;
  for (std::size_t left = part.records; left > 0;) {
    const auto passed = source.next(std::min(left, kReadTexts));
    if (!passed || passed->empty()) return;
    left -= passed->size();
  }
  part.position = source.position();
  (void)writer.write(part);  // the run has its error already
}

}  // namespace

Result<Window> read_window(Source& source, const Outputs& outputs, bool remote) {
  Window window;
  std::uint64_t most = remote ? kRemoteWindowBytes : kWindowBytes;
  if (outputs.multivector) most = kMultivectorWindowBytes;
  const std::size_t at_once = outputs.multivector ? 4 : kReadTexts;
  while (window.records.size() < kWindowTexts && window.bytes < most) {
    VECMILL_ASSIGN(auto records, source.next(at_once));
    if (records.empty()) break;
    for (Record& record : records) {
      window.bytes += record.text.size();
      window.records.push_back(std::move(record));
    }
  }
  window.position = source.position();
  return window;
}

Result<EmbedReport> run_embedding(const RunParts& parts, EmbedJob job,
                                  const std::function<void(const EmbedProgress&)>& progress,
                                  const std::stop_token& stop) {
  job.options.stop = stop;
  BoundedQueue<Window> read(2);
  BoundedQueue<EmbeddedWindow> embedded(2);
  FirstError error;
  Writer writer(parts.sink, progress);

  std::string start = parts.source.position();  // of the window that is embedded
  std::optional<EmbeddedWindow> part;
  const bool remote = parts.provider.capabilities(job.options).remote;
  std::thread reader([&] {
    while (!stop.stop_requested()) {
      auto window = read_window(parts.source, job.options.outputs, remote);
      if (!window) {
        error.set(std::move(window).error());
        break;
      }
      window->hash_texts = parts.sink.wants_text_hash();
      if (window->records.empty() || !read.push(std::move(*window))) break;
    }
    read.close();
  });
  bool all_written = true;
  std::thread writing([&] {
    while (auto window = embedded.pop()) {
      if (auto status = writer.write(*window); !status) {
        all_written = false;
        error.set(std::move(status).error());
        embedded.close();
        return;
      }
    }
  });
  while (auto window = read.pop()) {
    if (stop.stop_requested()) break;  // what was only read is read again after a resume
    std::string end = window->position;
    auto done = embed_next(parts, std::move(*window), job);
    if (done.fatal) {
      error.set(*done.fatal);
      part = std::move(done);
      break;
    }
    if (!embedded.push(std::move(done))) break;
    start = std::move(end);
  }
  read.close();
  embedded.close();
  reader.join();
  writing.join();

  if (part && all_written) write_part(parts.source, start, std::move(*part), writer);
  if (auto status = writer.commit(); !status) error.set(std::move(status).error());
  if (auto first = error.get()) return std::move(*first);
  if (stop.stop_requested())
    return make_error(ErrorKind::kCancelled, "interrupted", shown_place(job.out));
  writer.report.seconds = writer.seconds();
  return std::move(writer.report);
}

}  // namespace vecmill::engine
