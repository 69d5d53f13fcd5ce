#include "vecmill/hub/lock_file.h"

#include <gtest/gtest.h>

namespace vecmill::hub {
namespace {

const std::string kHash(64, 'a');

std::string lock_with(const std::string& file) {
  return R"({"format": 1, "model": "m", "revision": "r", "source": "s", "files": [)" + file + "]}";
}

TEST(LockFileTest, ReadsWhatItWrites) {
  const LockFile lock{"org/\"name\"",
                      "rev",
                      "größe.whl",
                      {{"config.json", 2, kHash, ""}, {"a/b", 5'000'000'000, kHash, "x.bin"}}};
  const auto read = parse_lock(write_lock(lock), "lock");
  ASSERT_TRUE(read) << read.error().to_string();
  EXPECT_EQ(read->model, lock.model);
  EXPECT_EQ(read->source, lock.source);
  ASSERT_EQ(read->files.size(), 2u);
  EXPECT_EQ(read->files[1].path, "a/b");
  EXPECT_EQ(read->files[1].bytes, 5'000'000'000u);
  EXPECT_EQ(read->files[1].sha256, kHash);
  EXPECT_EQ(read->files[1].from, "x.bin");
  EXPECT_EQ(write_lock(*read), write_lock(lock));
}

TEST(LockFileTest, RefusesWhatItDoesNotWrite) {
  const std::string good = R"({"path": "a", "bytes": 1, "sha256": ")" + kHash + "\"}";
  ASSERT_TRUE(parse_lock(lock_with(good), "lock"));
  for (const std::string& bad :
       {std::string(), std::string("{}"), std::string("[1]"), lock_with(R"({"path": "a"})"),
        lock_with(R"({"path": "../a", "bytes": 1, "sha256": ")" + kHash + "\"}"),
        lock_with(R"({"path": "a", "bytes": 1, "sha256": "short"})"),
        lock_with(R"({"path": "a", "bytes": -1, "sha256": ")" + kHash + "\"}"),
        lock_with(R"({"path": "a", "bytes": "1", "sha256": ")" + kHash + "\"}")}) {
    const auto read = parse_lock(bad, "lock");
    ASSERT_FALSE(read) << bad;
    EXPECT_EQ(read.error().kind, ErrorKind::kInvalidData);
    EXPECT_EQ(read.error().where, "lock");
  }
  EXPECT_EQ(parse_lock(R"({"format": 2})", "lock").error().kind, ErrorKind::kUnsupported);
  EXPECT_EQ(parse_lock(R"({"format": 7e11})", "lock").error().kind, ErrorKind::kUnsupported);
}

}  // namespace
}  // namespace vecmill::hub
