#include "vecmill/hub/staging.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "vecmill/hub/test_files.h"

namespace vecmill::hub {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::IsEmpty;

/// The real files, and what of them a loss of power could still take.
class RecordedFiles : public FileSystem {
 public:
  std::set<fs::path> unsynced_files, unsynced_folders, synced_folders;
  std::function<void(const fs::path& from, const fs::path& to)> before_rename;

  Result<std::unique_ptr<WritableFile>> create(const fs::path& path) override {
    VECMILL_ASSIGN(auto file, real_files().create(path));
    return std::unique_ptr<WritableFile>(new File(std::move(file), path, *this));
  }
  Result<std::unique_ptr<WritableFile>> reopen(const fs::path& path, std::uint64_t size) override {
    VECMILL_ASSIGN(auto file, real_files().reopen(path, size));
    return std::unique_ptr<WritableFile>(new File(std::move(file), path, *this));
  }
  Result<std::string> read(const fs::path& path) override { return real_files().read(path); }
  Result<bool> exists(const fs::path& path) override { return real_files().exists(path); }
  Status rename(const fs::path& from, const fs::path& to) override {
    EXPECT_FALSE(unsynced_files.contains(from)) << to;
    before_rename(from, to);
    unsynced_folders.insert(to.parent_path());
    return real_files().rename(from, to);
  }
  Status remove(const fs::path& path) override { return real_files().remove(path); }
  Status sync_dir(const fs::path& folder) override {
    unsynced_folders.erase(folder);
    synced_folders.insert(folder);
    return real_files().sync_dir(folder);
  }
  Result<std::unique_ptr<FileLock>> lock(const fs::path& path) override {
    return real_files().lock(path);
  }

 private:
  class File : public WritableFile {
   public:
    File(std::unique_ptr<WritableFile> file, fs::path path, RecordedFiles& all)
        : file_(std::move(file)), path_(std::move(path)), all_(all) {}
    Status append(std::string_view bytes) override {
      all_.unsynced_files.insert(path_);
      return file_->append(bytes);
    }
    Status write_at(std::uint64_t offset, std::string_view bytes) override {
      all_.unsynced_files.insert(path_);
      return file_->write_at(offset, bytes);
    }
    Status sync() override {
      all_.unsynced_files.erase(path_);
      return file_->sync();
    }

   private:
    std::unique_ptr<WritableFile> file_;
    fs::path path_;
    RecordedFiles& all_;
  };
};

/// The reference is what makes a model: before it changes all must be durable, and after it, it.
TEST(StagingTest, EverythingIsDurableBeforeTheReferenceChanges) {
  const TestFolder folder;
  RecordedFiles files;
  const fs::path home = folder.path() / "home";
  const fs::path repository = home / "models/models--org--m";
  bool published = false;
  files.before_rename = [&](const fs::path& from, const fs::path& to) {
    if (from.filename() == "snapshot") {
      EXPECT_THAT(files.unsynced_files, IsEmpty());
      EXPECT_THAT(files.synced_folders, Contains(from));
      EXPECT_THAT(files.synced_folders, Contains(from / "1_Pooling"));
    }
    if (from.filename() != "reference") return;
    published = true;
    EXPECT_EQ(to, repository / "refs/refs/pr/1");
    EXPECT_THAT(files.unsynced_folders, IsEmpty());
    for (const fs::path& made : {folder.path(), home, home / "models", repository,
                                 repository / "blobs", repository / "snapshots"}) {
      EXPECT_THAT(files.synced_folders, Contains(made));
    }
  };
  auto staging = Staging::begin(folder.store(files), "org/m");
  ASSERT_TRUE(staging);
  std::vector<StagedFile> all;
  for (const char* path : {"1_Pooling/config.json", "config.json"}) {
    auto staged = staging->write(path, [&](const ByteSink& sink) { return sink(path); });
    ASSERT_TRUE(staged);
    all.push_back(*staged);
  }
  ASSERT_TRUE(staging->publish({std::string(40, '1'), "refs/pr/1", "test", all}));
  EXPECT_TRUE(published);
  EXPECT_THAT(files.unsynced_files, IsEmpty());
  EXPECT_THAT(files.unsynced_folders, IsEmpty());
  for (const char* made : {"refs/refs/pr", "refs/refs", "refs"}) {
    EXPECT_THAT(files.synced_folders, Contains(repository / made));
  }
}

TEST(StagingTest, ARemovalIsDurable) {
  const TestFolder folder;
  folder.put("home/models/models--org--m/refs/main", "x");
  RecordedFiles files;
  files.before_rename = [](const fs::path&, const fs::path&) {};
  auto staging = Staging::begin(folder.store(files), "org/m");
  ASSERT_TRUE(staging);
  ASSERT_TRUE(staging->remove_model());
  EXPECT_FALSE(fs::exists(folder.path() / "home/models/models--org--m"));
  EXPECT_THAT(files.synced_folders, Contains(folder.path() / "home/models"));
}

}  // namespace
}  // namespace vecmill::hub
