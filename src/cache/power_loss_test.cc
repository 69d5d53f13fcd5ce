#include <gtest/gtest.h>

#include <cstdlib>

#include "vecmill/base/lossy_disk.h"
#include "vecmill/base/private_file.h"
#include "vecmill/cache/sqlite_level.h"
#include "vecmill/cache/testing.h"

namespace vecmill::cache {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kDims = 256;
constexpr int kRows = 6;

/// From which moment on so many rows are reported as kept.
using Kept = std::vector<std::pair<std::size_t, int>>;

std::unique_ptr<SqliteLevel> open(const fs::path& path) {
  auto level =
      SqliteLevel::open({.path = path, .max_bytes = 16 << 20, .ttl = std::chrono::seconds(0)});
  EXPECT_TRUE(level) << level.error().to_string();
  return level ? std::move(*level) : nullptr;
}

/// Batches, an end and a new start between them, and what moves rows to another place.
Kept write(const LossyDisk& disk, const fs::path& path) {
  Kept kept;
  int rows = 0;
  for (int start = 0; start < 3; ++start) {
    const auto level = open(path);
    for (int batch = 0; batch < 4; ++batch, rows += kRows) {
      EXPECT_TRUE(put(*level, rows, rows + kRows, kStart, kDims));
      kept.emplace_back(disk.now(), rows + kRows);
    }
    if (start == 1) {
      EXPECT_TRUE(level->compact());
    }
  }
  return kept;
}

TEST(PowerLoss, WhatTheCacheReportedAsKeptIsThere) {
  const fs::path folder = quick_folder() / ("vecmill-cache-power-" + std::to_string(getpid()));
  fs::create_directories(folder);
  LossyDisk disk;
  const Kept kept = write(disk, folder / "cache.db");
  disk.end();
  ASSERT_GE(disk.syncs(), 12U);
  const bool deep = std::getenv("VECMILL_TEST_DEEP") != nullptr;
  for (std::size_t moment = 0; moment <= disk.now(); ++moment) {
    const std::uint64_t seeds = deep ? 12 : moment % 8 == 0 ? 3 : 0;
    for (std::uint64_t seed = 0; seed < seeds; ++seed) {
      SCOPED_TRACE(std::to_string(moment) + ", seed " + std::to_string(seed));
      int rows = 0;
      for (const auto& [at, count] : kept) {
        if (at <= moment) rows = count;
      }
      disk.lose_power(moment, seed, folder / "after");
      // Made before SQLite, which syncs the folder with its first journal, wrote anything.
      ASSERT_TRUE(make_private_file(folder / "after" / "cache.db.lock"));
      const auto level = open(folder / "after" / "cache.db");
      ASSERT_TRUE(level);
      const auto there = found(*level, 0, rows + kRows, kStart, kDims);
      ASSERT_TRUE(there) << "another text's vector";
      ASSERT_GE(there->size(), static_cast<std::size_t>(rows));
      ASSERT_EQ(std::vector(there->begin(), there->begin() + rows), range(0, rows));
      ASSERT_EQ(level->verify().value().dropped, 0U);
      ASSERT_TRUE(put(*level, 900, 901, kStart, kDims));
    }
  }
  fs::remove_all(folder);
}

}  // namespace
}  // namespace vecmill::cache
