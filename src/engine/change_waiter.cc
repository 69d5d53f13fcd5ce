#include "vecmill/engine/change_waiter.h"

#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <tuple>
#include <utility>
#include <vector>

#include "vecmill/postgres/listener.h"
#include "vecmill/source/input_files.h"

namespace vecmill::engine {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

class Timer final : public ChangeWaiter {
 public:
  explicit Timer(std::string note = {}) : note_(std::move(note)) {}

  void wait(milliseconds at_most, const std::stop_token& stop) override {
    (void)sleep_for(at_most, stop);
  }
  [[nodiscard]] std::string note() const override { return note_; }

 private:
  std::string note_;
};

class TableWaiter final : public ChangeWaiter {
 public:
  explicit TableWaiter(postgres::Listener listener) : listener_(std::move(listener)) {}

  /// Also without a word it is looked at now and then: a trigger can be switched off.
  void wait(milliseconds at_most, const std::stop_token& stop) override {
    (void)listener_.wait(6 * at_most, stop);
  }

 private:
  postgres::Listener listener_;
};

/// Name, size and time of each file. One that is gone, or cannot be read now, is not among them.
using Look = std::vector<std::tuple<std::string, std::uintmax_t, fs::file_time_type>>;

class FileWaiter final : public ChangeWaiter {
 public:
  explicit FileWaiter(const EmbedJob& job) : job_(job), seen_(look()) {}

  /// A file that is still being written is waited for, two looks must be equal; but not for ever:
  /// some are written all the time.
  void wait(milliseconds at_most, const std::stop_token& stop) override {
    constexpr int kMostLooks = 6;
    Look last = look();
    for (int looks = 0; sleep_for(at_most, stop);) {
      Look now = look();
      if (now != seen_ && (now == last || ++looks == kMostLooks)) {
        seen_ = std::move(now);
        return;
      }
      last = std::move(now);
    }
  }

 private:
  [[nodiscard]] Look look() const {
    Look found;
    const auto files = source::list_inputs(job_.inputs, job_.format);
    if (!files) return found;
    for (const source::InputFile& file : *files) {
      std::error_code failed;
      const auto size = fs::file_size(file.path, failed);
      const auto time = failed ? fs::file_time_type() : fs::last_write_time(file.path, failed);
      if (!failed) found.emplace_back(file.path, size, time);
    }
    return found;
  }

  const EmbedJob job_;
  Look seen_;
};

Result<std::unique_ptr<ChangeWaiter>> watch_table(const EmbedJob& job) {
  VECMILL_ASSIGN(const postgres::Url url, postgres::parse_url(job.inputs[0]));
  VECMILL_ASSIGN(auto connection, postgres::Connection::open(url));
  VECMILL_ASSIGN(const postgres::Table table, postgres::describe(connection, url));
  if (table.is_view) {
    return std::make_unique<Timer>(url.shown + " is a view, which tells nobody of its changes");
  }
  if (job.postgres.create) VECMILL_TRY(postgres::make_trigger(connection, table, url.text));
  VECMILL_ASSIGN(const bool tells, postgres::has_trigger(connection, table));
  if (!tells) {
    return std::make_unique<Timer>(url.shown +
                                   " has no trigger that tells of changes; with "
                                   "--create it gets one");
  }
  VECMILL_ASSIGN(auto listener, postgres::Listener::open(url, postgres::channel_of(table)));
  return std::make_unique<TableWaiter>(std::move(listener));
}

}  // namespace

bool sleep_for(milliseconds time, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::unique_lock lock(mutex);
  changed.wait_for(lock, stop, time, [] { return false; });
  return !stop.stop_requested();
}

Result<std::unique_ptr<ChangeWaiter>> make_change_waiter(const EmbedJob& job) {
  if (is_postgres_url(job.inputs[0])) return watch_table(job);
  if (is_on_server(job.inputs[0])) return std::make_unique<Timer>();
  return std::make_unique<FileWaiter>(job);
}

}  // namespace vecmill::engine
