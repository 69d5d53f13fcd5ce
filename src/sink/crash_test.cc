#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <set>
#include <utility>

#include "vecmill/base/file_system.h"
#include "vecmill/sink/sink_factory.h"

namespace vecmill::sink {
namespace {

namespace fs = std::filesystem;

/// A disk that loses power: names and bytes that were not synced may or may not be there
/// afterwards. Every operation is counted; operation `crash_at` and all later ones fail, and
/// operation `skip` is left out though it reports success, as a forgotten call would be.
class SimulatedDisk : public FileSystem {
 public:
  struct Inode {
    std::string bytes;
    std::string durable;
  };
  using Names = std::map<std::string, std::shared_ptr<Inode>>;

  int crash_at = -1;
  int skip = -1;
  int count = 0;
  std::vector<std::string> log;

  Result<std::unique_ptr<WritableFile>> create(const fs::path& path) override;
  Result<std::unique_ptr<WritableFile>> reopen(const fs::path& path, std::uint64_t size) override;

  Result<std::string> read(const fs::path& path) override {
    const auto found = names_.find(path.string());
    if (found == names_.end()) return make_error(ErrorKind::kNotFound, "missing", path.string());
    return found->second->bytes;
  }
  Result<bool> exists(const fs::path& path) override { return names_.count(path.string()) > 0; }

  Status rename(const fs::path& from, const fs::path& to) override {
    return step("rename " + to.string(), [&] {
      names_[to.string()] = names_.at(from.string());
      names_.erase(from.string());
      changes_.push_back({from.string(), to.string()});
    });
  }
  Status remove(const fs::path& path) override {
    return step("remove", [&] {
      names_.erase(path.string());
      changes_.push_back({path.string(), {}});
    });
  }
  Status sync_dir(const fs::path& /*folder*/) override {
    return step("sync_dir", [&] {
      durable_names_ = names_;
      changes_.clear();
    });
  }
  Result<std::unique_ptr<FileLock>> lock(const fs::path& /*path*/) override {
    return std::make_unique<FileLock>();
  }

  template <class Act>
  Status step(const std::string& what, Act act) {
    const int now = count++;
    log.push_back(what);
    if (crash_at >= 0 && now >= crash_at) return make_error(ErrorKind::kIo, "power lost");
    if (now != skip) act();
    return {};
  }

  /// What is found after the power comes back. Each unsynced change of a name is kept or lost on
  /// its own; unsynced bytes are kept up to a random place and zero or gone behind it.
  void lose_power(std::mt19937& random) {
    Names left = durable_names_;
    for (const auto& [from, to] : changes_) {
      if (random() % 2 == 0) continue;
      if (from.empty()) {
        left[to] = created_.at(to);
      } else if (left.count(from) > 0) {
        const auto inode = left.at(from);
        left.erase(from);
        if (!to.empty()) left[to] = inode;
      }
    }
    for (auto& [name, inode] : left) {
      if (inode->bytes == inode->durable) continue;
      const std::size_t keep = random() % (inode->bytes.size() + 1);
      std::string torn = inode->durable.substr(0, std::min(keep, inode->durable.size()));
      if (random() % 2 == 0) {
        torn = inode->bytes.substr(0, keep) +
               inode->durable.substr(std::min(keep, inode->durable.size()));
      } else {
        torn = inode->durable;
      }
      inode->bytes = inode->durable = torn;
    }
    names_ = durable_names_ = left;
    changes_.clear();
    crash_at = skip = -1;
  }

  [[nodiscard]] std::map<std::string, std::string> content() const {
    std::map<std::string, std::string> all;
    for (const auto& [name, inode] : names_) all[name] = inode->bytes;
    return all;
  }

 private:
  Names names_;
  Names durable_names_;
  Names created_;
  std::vector<std::pair<std::string, std::string>> changes_;  // from, to; from empty: created
};

class SimulatedFile : public WritableFile {
 public:
  SimulatedFile(SimulatedDisk& disk, std::shared_ptr<SimulatedDisk::Inode> inode)
      : disk_(disk), inode_(std::move(inode)) {}
  Status append(std::string_view bytes) override {
    return disk_.step("append", [&] { inode_->bytes += bytes; });
  }
  Status write_at(std::uint64_t offset, std::string_view bytes) override {
    return disk_.step("write_at", [&] { inode_->bytes.replace(offset, bytes.size(), bytes); });
  }
  Status sync() override {
    return disk_.step("sync", [&] { inode_->durable = inode_->bytes; });
  }

 private:
  SimulatedDisk& disk_;
  std::shared_ptr<SimulatedDisk::Inode> inode_;
};

Result<std::unique_ptr<WritableFile>> SimulatedDisk::create(const fs::path& path) {
  auto inode = std::make_shared<Inode>();
  VECMILL_TRY(step("create", [&] {
    names_[path.string()] = created_[path.string()] = inode;
    changes_.push_back({{}, path.string()});
  }));
  return std::make_unique<SimulatedFile>(*this, inode);
}

Result<std::unique_ptr<WritableFile>> SimulatedDisk::reopen(const fs::path& path,
                                                            std::uint64_t size) {
  const auto found = names_.find(path.string());
  if (found == names_.end()) return make_error(ErrorKind::kNotFound, "missing", path.string());
  if (found->second->bytes.size() < size) return make_error(ErrorKind::kInvalidData, "too short");
  VECMILL_TRY(step("reopen", [&] { found->second->bytes.resize(size); }));
  return std::make_unique<SimulatedFile>(*this, found->second);
}

constexpr int kRows = 12;
constexpr int kBatch = 3;

OutputRow row(int i) {
  OutputRow row;
  row.id = "id" + std::to_string(i);
  if (i % 3 == 1) {
    row.error = make_error(ErrorKind::kTooLong, "too long");
  } else {
    row.vector = {static_cast<float>(i), 0.5F};
    row.truncated_tokens = i % 4 == 0 ? 7 : 0;
  }
  return row;
}

struct Outcome {
  bool ok = false;
  int committed = 0;  ///< rows behind the last commit that returned success
  int resumed_at = 0;
  std::string error;
};

/// One run: from where it may go on to its end, or to the first error.
Outcome run(SimulatedDisk& disk, const std::string& out, bool resume) {
  Outcome outcome;
  auto opened = open(out, {"space", "f32/1", "m", 2}, {resume, Store::kF32, &disk});
  if (!opened) return outcome.error = opened.error().to_string(), outcome;
  if (opened->complete) return outcome.ok = true, outcome.resumed_at = kRows, outcome;
  int at = opened->position ? std::stoi(*opened->position) : 0;
  outcome.resumed_at = outcome.committed = at;
  const auto fails = [&](const Status& status) {
    if (!status) outcome.error = status.error().to_string();
    return !status;
  };
  for (; at < kRows; at += kBatch) {
    std::vector<OutputRow> rows;
    for (int i = at; i < at + kBatch; ++i) rows.push_back(row(i));
    if (fails(opened->sink->write(rows))) return outcome;
    if (fails(opened->sink->commit(std::to_string(at + kBatch)))) return outcome;
    outcome.committed = at + kBatch;
  }
  outcome.ok = !fails(opened->sink->finish());
  return outcome;
}

class Crash : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    SimulatedDisk disk;
    ASSERT_TRUE(run(disk, GetParam(), false).ok);
    wanted_ = disk.content();
    log_ = disk.log;
  }

  /// Why a run that loses power at operation `k`, with `skip` left out, does not end as one
  /// without.
  std::string trouble(int k, int skip, unsigned seed) {
    SimulatedDisk disk;
    disk.crash_at = k;
    disk.skip = skip;
    const Outcome first = run(disk, GetParam(), false);
    std::mt19937 random(seed);
    disk.lose_power(random);
    const Outcome second = run(disk, GetParam(), true);
    if (!second.ok) return second.error;
    if (second.resumed_at < first.committed) return "committed rows are lost";
    auto found = disk.content();
    std::erase_if(found, [](const auto& file) {
      return file.first.ends_with(".checkpoint") || file.first.ends_with(".tmp");
    });
    return found == wanted_ ? "" : "the files differ";
  }

  std::map<std::string, std::string> wanted_;
  std::vector<std::string> log_;
};

TEST_P(Crash, AtAnyOperationEndsInTheSameBytes) {
  for (int k = 0; k <= static_cast<int>(log_.size()); ++k) {
    for (unsigned seed = 1; seed <= 40; ++seed) {
      ASSERT_EQ(trouble(k, -1, seed), "") << "operation " << k << ", seed " << seed;
    }
  }
}

TEST_P(Crash, NoSyncAndNoRenameCanBeLeftOut) {
  for (int skip = 0; skip < static_cast<int>(log_.size()); ++skip) {
    const std::string& what = log_[static_cast<std::size_t>(skip)];
    if (!what.starts_with("sync") && !what.starts_with("rename")) continue;
    bool noticed = false;
    for (int k = skip + 1; k <= static_cast<int>(log_.size()) && !noticed; ++k) {
      for (unsigned seed = 1; seed <= 40 && !noticed; ++seed) {
        noticed = !trouble(k, skip, seed).empty();
      }
    }
    EXPECT_TRUE(noticed) << "operation " << skip << " (" << what << ") can be left out";
  }
}

INSTANTIATE_TEST_SUITE_P(Outputs, Crash, testing::Values("x.npy", "x.jsonl"));

}  // namespace
}  // namespace vecmill::sink
