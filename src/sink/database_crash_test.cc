#include <gtest/gtest.h>
#include <unistd.h>

#include <map>
#include <utility>

#include "vecmill/base/file_system.h"
#include "vecmill/base/mapped_file.h"
#include "vecmill/base/quick_folder.h"
#include "vecmill/sink/sink_factory.h"

namespace vecmill::sink {
namespace {

namespace fs = std::filesystem;

/// The real disk, but for the operations of the sink itself: number `crash_at` and all later ones
/// fail, number `skip` is left out though it reports success, and losing power undoes the renames
/// and removals chosen by the bits of `lost` that no sync_dir came behind, and empties created
/// files that were not synced. What SQLite writes is SQLite's to keep.
class LossyNames : public FileSystem {
 public:
  int crash_at = -1;
  int skip = -1;
  std::vector<std::string> log;

  Result<std::unique_ptr<WritableFile>> create(const fs::path& path) override;
  Result<std::unique_ptr<WritableFile>> reopen(const fs::path& path, std::uint64_t size) override;
  Result<std::string> read(const fs::path& path) override { return real_files().read(path); }
  Result<bool> exists(const fs::path& path) override { return real_files().exists(path); }
  Result<std::unique_ptr<FileLock>> lock(const fs::path& path) override {
    return real_files().lock(path);
  }
  Status rename(const fs::path& from, const fs::path& to) override {
    return step("rename " + to.filename().string(), [&]() -> Status {
      renames_.emplace_back(from, to);
      if (auto moved = unsynced_.extract(from)) {
        moved.key() = to;
        unsynced_.insert(std::move(moved));
      }
      return real_files().rename(from, to);
    });
  }
  Status remove(const fs::path& path) override {
    return step("remove", [&] { return real_files().remove(path); });
  }
  Status sync_dir(const fs::path& /*folder*/) override {
    return step("sync_dir", [&]() -> Status {
      renames_.clear();
      return {};
    });
  }

  template <class Act>
  Status step(const std::string& what, Act act) {
    const int now = static_cast<int>(log.size());
    log.push_back(what);
    if (crash_at >= 0 && now >= crash_at) return make_error(ErrorKind::kIo, "power lost");
    return now == skip ? Status() : act();
  }

  void lose_power(unsigned lost) {
    for (const auto& [path, size] : unsynced_) {
      if (fs::exists(path)) fs::resize_file(path, size);
    }
    for (std::size_t i = renames_.size(); i-- > 0;) {
      const auto& [from, to] = renames_[i];
      if ((lost >> i & 1) != 0 && fs::exists(to)) fs::rename(to, from);
    }
    renames_.clear();
    unsynced_.clear();
  }

  std::map<fs::path, std::uint64_t> unsynced_;  ///< how many bytes survive

 private:
  std::vector<std::pair<fs::path, fs::path>> renames_;
};

class LossyFile : public WritableFile {
 public:
  LossyFile(LossyNames& disk, fs::path path, std::unique_ptr<WritableFile> file)
      : disk_(disk), path_(std::move(path)), file_(std::move(file)) {
    disk_.unsynced_[path_] = 0;
  }
  Status append(std::string_view bytes) override {
    return disk_.step("append", [&] { return file_->append(bytes); });
  }
  Status write_at(std::uint64_t offset, std::string_view bytes) override {
    return disk_.step("write_at", [&] { return file_->write_at(offset, bytes); });
  }
  Status sync() override {
    return disk_.step("sync " + path_.filename().string(), [&]() -> Status {
      disk_.unsynced_.erase(path_);
      return {};
    });
  }

 private:
  LossyNames& disk_;
  fs::path path_;
  std::unique_ptr<WritableFile> file_;
};

Result<std::unique_ptr<WritableFile>> LossyNames::create(const fs::path& path) {
  VECMILL_TRY(step("create", [] { return Status(); }));
  VECMILL_ASSIGN(auto file, real_files().create(path));
  return std::make_unique<LossyFile>(*this, path, std::move(file));
}

Result<std::unique_ptr<WritableFile>> LossyNames::reopen(const fs::path& path, std::uint64_t size) {
  VECMILL_TRY(step("reopen", [] { return Status(); }));
  VECMILL_ASSIGN(auto file, real_files().reopen(path, size));
  return std::make_unique<LossyFile>(*this, path, std::move(file));
}

class DatabaseCrash : public testing::Test {
 protected:
  void SetUp() override {
    clear();
    LossyNames disk;
    ASSERT_EQ(run(disk, false), "");
    wanted_ = content();
    log_ = disk.log;
    ASSERT_EQ(wanted_.size(), 2U);  // x.db and x.failed.jsonl
  }
  void TearDown() override { fs::remove_all(folder_); }

  void clear() const {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }

  /// Six rows in two windows, every third failed; the error, if there is one.
  std::string run(LossyNames& disk, bool resume) const {
    auto opened = open(folder_ / "x.db", {"space", "f32/1", "m", 2}, {resume, Store::kF32, &disk});
    if (!opened) return opened.error().to_string();
    if (opened->complete) return "";
    for (int at = opened->position ? std::stoi(*opened->position) : 0; at < 6; at += 3) {
      std::vector<OutputRow> rows(3);
      for (int i = 0; i < 3; ++i) rows[i].id = "id" + std::to_string(at + i);
      rows[0].vector = rows[1].vector = {static_cast<float>(at), 0.5F};
      rows[2].error = make_error(ErrorKind::kTooLong, "too long");
      if (const Status done = opened->sink->write(rows); !done) return done.error().to_string();
      const Status done = opened->sink->commit(std::to_string(at + 3));
      if (!done) return done.error().to_string();
    }
    const Status done = opened->sink->finish();
    return done ? "" : done.error().to_string();
  }

  [[nodiscard]] std::map<std::string, std::string> content() const {
    std::map<std::string, std::string> all;
    for (const auto& entry : fs::directory_iterator(folder_)) {
      all[entry.path().filename().string()] = *read_file(entry.path());
    }
    return all;
  }

  /// Why a run that loses power at operation `k`, with `skip` left out, does not end as one
  /// without.
  std::string trouble(int k, int skip, unsigned lost) const {
    clear();
    LossyNames disk;
    disk.crash_at = k;
    disk.skip = skip;
    (void)run(disk, false);
    disk.lose_power(lost);
    LossyNames after;
    const std::string error = run(after, true);
    if (!error.empty()) return error;
    return content() == wanted_ ? "" : "the files differ";
  }

  fs::path folder_ = quick_folder() / ("vecmill-database-crash-" + std::to_string(getpid()));
  std::map<std::string, std::string> wanted_;
  std::vector<std::string> log_;
};

constexpr unsigned kLosses = 4;  // of at most two renames

TEST_F(DatabaseCrash, AtAnyOperationEndsInTheSameBytes) {
  for (int k = 0; k <= static_cast<int>(log_.size()); ++k) {
    for (unsigned lost = 0; lost < kLosses; ++lost) {
      ASSERT_EQ(trouble(k, -1, lost), "") << "operation " << k << ", lost " << lost;
    }
  }
}

TEST_F(DatabaseCrash, NoSyncAndNoRenameCanBeLeftOut) {
  for (int skip = 0; skip < static_cast<int>(log_.size()); ++skip) {
    const std::string& what = log_[static_cast<std::size_t>(skip)];
    if (!what.starts_with("sync") && !what.starts_with("rename")) continue;
    bool noticed = false;
    for (int k = skip + 1; k <= static_cast<int>(log_.size()) && !noticed; ++k) {
      for (unsigned lost = 0; lost < kLosses && !noticed; ++lost) {
        noticed = !trouble(k, skip, lost).empty();
      }
    }
    EXPECT_TRUE(noticed) << "operation " << skip << " (" << what << ") can be left out";
  }
}

}  // namespace
}  // namespace vecmill::sink
