#include "vecmill/hub/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "vecmill/base/hash.h"
#include "vecmill/hub/import.h"
#include "vecmill/hub/test_files.h"

namespace vecmill::hub {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string kOne(40, '1'), kTwo(40, '2');

void put_model(const TestFolder& folder, const std::string& at,
               const std::string& weights = "model.safetensors") {
  folder.put(at + "/config.json", "{}");
  folder.put(at + "/" + weights, tiny_safetensors());
}

/// A model as huggingface_hub leaves it: large files by SHA-256, links to them.
void put_in_hub_cache(const TestFolder& folder, const std::string& name, const std::string& commit,
                      const std::string& ref = "main") {
  const std::string repo = "hub/models--" + name;
  const std::string id = sha256_hex(tiny_safetensors());
  folder.put(repo + "/blobs/" + id, tiny_safetensors());
  folder.put(repo + "/snapshots/" + commit + "/config.json", "{}");
  if (!ref.empty()) folder.put(repo + "/refs/" + ref, commit);
  fs::create_symlink("../../blobs/" + id,
                     folder.path() / repo / "snapshots" / commit / "model.safetensors");
}

std::vector<std::string> names_of(const Store& store) {
  std::vector<std::string> names;
  const auto entries = store.list();
  for (const ModelEntry& entry : *entries) {
    names.push_back(entry.name + " " + std::string(name(entry.origin)));
  }
  return names;
}

TEST(StoreTest, FindsWhatOtherToolsDownloaded) {
  const TestFolder folder;
  put_in_hub_cache(folder, "org--one", kOne);
  put_in_hub_cache(folder, "plain", kTwo);
  put_model(folder, "torch/org_old-model");
  put_model(folder, "torch/older");
  folder.put("hub/models--org--config-only/snapshots/" + kOne + "/config.json", "{}");
  folder.put("hub/models--org--config-only/refs/main", kOne);
  folder.put("hub/datasets--org--data/refs/main", kOne);
  folder.put("hub/.locks/x", "");
  folder.put("torch/no model/config.json", "{}");
  const Store store = folder.store();
  EXPECT_THAT(names_of(store),
              ElementsAre("older torch cache", "org/old-model torch cache",
                          "org/one hugging face cache", "plain hugging face cache"));
  EXPECT_EQ(store.resolve("org/one")->revision, kOne);
  EXPECT_EQ(store.resolve("old-model")->folder, folder.path() / "torch/org_old-model");
  EXPECT_EQ(store.resolve("plain")->revision, kTwo);
}

TEST(StoreTest, TheOwnStoreComesFirst) {
  const TestFolder folder;
  put_in_hub_cache(folder, "org--one", kOne);
  put_model(folder, "in");
  const Store store = folder.store();
  ASSERT_TRUE(import_model(store, folder.path() / "in", {"org/one"}));
  EXPECT_THAT(names_of(store), ElementsAre("org/one store"));
  EXPECT_EQ(store.resolve("org/one@" + kOne)->origin, Origin::kHubCache);
}

TEST(StoreTest, ResolvesRevisions) {
  const TestFolder folder;
  put_in_hub_cache(folder, "org--m", kOne, "main");
  put_in_hub_cache(folder, "org--m", kTwo, "refs/pr/3");
  const Store store = folder.store();
  EXPECT_EQ(store.resolve("org/m")->revision, kOne);
  EXPECT_EQ(store.resolve("m@main")->revision, kOne);
  EXPECT_EQ(store.resolve("m@refs/pr/3")->revision, kTwo);
  EXPECT_EQ(store.resolve("org/m@" + kTwo)->revision, kTwo);
  const auto missing = store.resolve("m@v2");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().kind, ErrorKind::kNotFound);
  EXPECT_THAT(missing.error().hint, HasSubstr("vecmill pull org/m --revision v2"));
  EXPECT_EQ(store.resolve("m@../../x").error().kind, ErrorKind::kInvalidArgument);
}

TEST(StoreTest, ARefToNowhereIsNoModel) {
  const TestFolder folder;
  put_in_hub_cache(folder, "org--m", kOne, "");
  const Store store = folder.store();
  EXPECT_EQ(store.resolve("m")->revision, kOne);  // the only one there is
  folder.put("hub/models--org--m/refs/main", kTwo);
  EXPECT_FALSE(store.resolve("m"));
  folder.put("hub/models--org--m/refs/main", "../" + kOne);
  EXPECT_FALSE(store.resolve("m"));
}

TEST(StoreTest, ABareNameMustBeClear) {
  const TestFolder folder;
  put_in_hub_cache(folder, "a--m", kOne);
  put_in_hub_cache(folder, "b--m", kTwo);
  const Store store = folder.store();
  const auto both = store.resolve("m");
  ASSERT_FALSE(both);
  EXPECT_EQ(both.error().kind, ErrorKind::kInvalidArgument);
  EXPECT_THAT(both.error().message, HasSubstr("a/m ("));
  EXPECT_THAT(both.error().message, HasSubstr("b/m ("));
  EXPECT_EQ(store.resolve("b/m")->revision, kTwo);
}

TEST(StoreTest, WhatIsNotThereComesWithTheCommand) {
  const TestFolder folder;
  const Store store = folder.store();
  const auto bare = store.resolve("all-MiniLM-L6-v2");
  ASSERT_FALSE(bare);
  EXPECT_EQ(bare.error().kind, ErrorKind::kNotFound);
  EXPECT_THAT(bare.error().hint,
              HasSubstr("'vecmill pull sentence-transformers/all-MiniLM-L6-v2'"));
  EXPECT_THAT(bare.error().hint, HasSubstr("'vecmill import PATH --name"));
  EXPECT_THAT(store.resolve("BAAI/bge-m3").error().hint, HasSubstr("vecmill pull BAAI/bge-m3'"));
  EXPECT_EQ(store.resolve("a/b/c").error().kind, ErrorKind::kInvalidArgument);
  EXPECT_EQ(store.resolve("").error().kind, ErrorKind::kInvalidArgument);
}

TEST(StoreTest, ResolvesFolders) {
  const TestFolder folder;
  put_model(folder, "my model");
  folder.put("empty/readme.txt", "x");
  const Store store = folder.store();
  const std::string path = folder.path() / "my model";
  const auto entry = store.resolve(path + "/");
  ASSERT_TRUE(entry) << entry.error().to_string();
  EXPECT_EQ(entry->name, "my model");
  EXPECT_EQ(entry->origin, Origin::kFolder);
  EXPECT_THAT(store.resolve((folder.path() / "empty").string()).error().message,
              HasSubstr("is no model"));
  EXPECT_THAT(store.resolve("/no/such").error().message, HasSubstr("no such folder"));
}

TEST(StoreTest, PickledWeightsAreNotUsedAsTheyAre) {
  const TestFolder folder;
  put_model(folder, "in", "pytorch_model.bin");
  const auto entry = folder.store().resolve((folder.path() / "in").string());
  ASSERT_FALSE(entry);
  EXPECT_EQ(entry.error().kind, ErrorKind::kUnsupported);
  EXPECT_THAT(entry.error().hint, HasSubstr("vecmill import "));
}

TEST(StoreTest, RemovesItsOwnModelsOnly) {
  const TestFolder folder;
  put_model(folder, "in");
  put_in_hub_cache(folder, "org--theirs", kOne);
  const Store store = folder.store();
  ASSERT_TRUE(import_model(store, folder.path() / "in", {"org/mine"}));
  EXPECT_EQ(store.remove("theirs").error().kind, ErrorKind::kInvalidArgument);
  EXPECT_EQ(store.remove("nobody").error().kind, ErrorKind::kNotFound);
  EXPECT_TRUE(store.remove("mine"));
  EXPECT_THAT(names_of(store), ElementsAre("org/theirs hugging face cache"));
  EXPECT_FALSE(fs::exists(folder.path() / "home/models/models--org--mine"));
  EXPECT_TRUE(fs::is_empty(folder.path() / "home/staging"));
}

TEST(StoreTest, VerifiesWhatOtherToolsDownloadedByTheirHashes) {
  const TestFolder folder;
  put_in_hub_cache(folder, "org--m", kOne);
  const Store store = folder.store();
  const ModelEntry entry = *store.resolve("m");
  EXPECT_TRUE(store.verify(entry)->problems.empty());
  std::ofstream(fs::canonical(entry.folder / "model.safetensors"), std::ios::app) << "x";
  const auto report = store.verify(entry);
  ASSERT_EQ(report->problems.size(), 1u);
  EXPECT_EQ(report->problems[0].file, "model.safetensors");
  EXPECT_THAT(report->problems[0].what, HasSubstr("hash differs"));
}

TEST(StoreTest, APlainFolderCannotBeVerified) {
  const TestFolder folder;
  put_model(folder, "in");
  const Store store = folder.store();
  const auto report = store.verify(*store.resolve((folder.path() / "in").string()));
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().kind, ErrorKind::kUnsupported);
}

TEST(StorePathsTest, ComeFromTheEnvironment) {
  std::map<std::string, std::string> values = {
      {"VECMILL_HOME", ""},   {"XDG_DATA_HOME", ""},
      {"XDG_CACHE_HOME", ""}, {"HF_HOME", ""},
      {"HF_HUB_CACHE", ""},   {"HUGGINGFACE_HUB_CACHE", ""},
      {"TORCH_HOME", ""},     {"SENTENCE_TRANSFORMERS_HOME", ""},
      {"HOME", "/h"}};
  const auto expect = [&](const char* home, const char* hub, const char* torch) {
    const Environment environment(values);
    const auto paths = StorePaths::from_environment();
    ASSERT_TRUE(paths);
    EXPECT_EQ(paths->home, home);
    EXPECT_EQ(paths->hub_cache, hub);
    EXPECT_EQ(paths->torch_cache, torch);
  };
  expect("/h/.local/share/vecmill", "/h/.cache/huggingface/hub",
         "/h/.cache/torch/sentence_transformers");
  values["XDG_DATA_HOME"] = "/d";
  values["XDG_CACHE_HOME"] = "/c";
  expect("/d/vecmill", "/c/huggingface/hub", "/c/torch/sentence_transformers");
  values["HF_HOME"] = "/hf";
  values["TORCH_HOME"] = "/t";
  values["VECMILL_HOME"] = "~/v";
  expect("/h/v", "/hf/hub", "/t/sentence_transformers");
  values["HUGGINGFACE_HUB_CACHE"] = "/old";
  values["SENTENCE_TRANSFORMERS_HOME"] = "/s";
  expect("/h/v", "/old", "/s");
  values["HF_HUB_CACHE"] = "/new";
  expect("/h/v", "/new", "/s");
  values["VECMILL_HOME"] = values["XDG_DATA_HOME"] = values["HOME"] = "";
  const Environment environment(values);
  const auto nowhere = StorePaths::from_environment();
  ASSERT_FALSE(nowhere);
  EXPECT_THAT(nowhere.error().hint, HasSubstr("VECMILL_HOME"));
}

}  // namespace
}  // namespace vecmill::hub
