#include "vecmill/base/resources.h"

#include <gtest/gtest.h>

#include <fstream>

namespace vecmill {
namespace {

namespace fs = std::filesystem;

class CpuQuota : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(root_ / "a/b"); }
  void TearDown() override { fs::remove_all(root_); }
  void write(const std::string& group, const std::string& text) {
    std::ofstream(root_ / group / "cpu.max") << text;
  }

  const fs::path root_ = fs::path(testing::TempDir()) / "vecmill_cores_test";
};

TEST_F(CpuQuota, IsTheSmallestOnTheWayUp) {
  EXPECT_EQ(cpu_quota(root_, "a/b"), std::nullopt);
  write("a", "max 100000\n");
  EXPECT_EQ(cpu_quota(root_, "a/b"), std::nullopt);
  write("a", "400000 100000\n");
  EXPECT_EQ(cpu_quota(root_, "a/b"), 4.0);
  write("a/b", "150000 100000\n");
  EXPECT_EQ(cpu_quota(root_, "a/b"), 1.5);
  EXPECT_EQ(cpu_quota(root_, "a"), 4.0);
  write("", "50000 100000\n");
  EXPECT_EQ(cpu_quota(root_, "a/b"), 0.5);
  EXPECT_EQ(cpu_quota(root_, ""), 0.5);
}

TEST_F(CpuQuota, WhatIsNoQuotaIsNone) {
  for (const char* text : {"", "x y", "100000", "0 100000", "-1 100000", "100000 0"}) {
    write("a", text);
    EXPECT_EQ(cpu_quota(root_, "a/b"), std::nullopt) << text;
  }
}

class GroupMemory : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(root_ / "a/b"); }
  void TearDown() override { fs::remove_all(root_); }
  void write(const std::string& file, const std::string& text) {
    fs::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << text;
  }
  void expect(const char* groups, std::optional<std::uint64_t> most, std::uint64_t free = 0) {
    const auto found = group_memory(root_, groups);
    ASSERT_EQ(found.has_value(), most.has_value());
    if (!found) return;
    EXPECT_EQ(found->most, *most);
    EXPECT_EQ(found->free, free);
  }

  const fs::path root_ = fs::path(testing::TempDir()) / "vecmill_memory_test";
};

TEST_F(GroupMemory, IsThatOfTheTightestOnTheWayUp) {
  expect("0::/a/b\n", std::nullopt);
  write("a/memory.max", "max\n");
  write("a/memory.current", "700\n");
  expect("0::/a/b\n", std::nullopt);
  write("a/memory.max", "1000\n");
  expect("0::/a/b\n", 1000, 300);
  write("a/memory.stat", "anon 5\ninactive_file 100\nactive_file 50\nfile 9999\n");
  expect("0::/a/b\n", 1000, 450);
  write("a/b/memory.max", "500\n");
  write("a/b/memory.current", "200\n");
  expect("0::/a/b\n", 500, 300);
  expect("0::/a\n", 1000, 450);
}

TEST_F(GroupMemory, OfVersionOneToo) {
  const char* groups = "5:cpu,cpuacct:/x\n4:memory:/a/b\n0::/\n";
  write("memory/memory.limit_in_bytes", "9223372036854771712\n");
  write("memory/memory.usage_in_bytes", "100\n");
  expect(groups, std::nullopt);
  write("memory/a/b/memory.limit_in_bytes", "1000\n");
  write("memory/a/b/memory.usage_in_bytes", "2000\n");
  expect(groups, 1000, 0);
  write("memory/a/b/memory.stat", "cache 7\ntotal_inactive_file 1500\ntotal_active_file 9999\n");
  expect(groups, 1000, 1000);
}

TEST(UsableMemory, IsNotMoreThanTheMachineHas) {
  const MemoryLimit memory = usable_memory();
  EXPECT_GT(memory.most, 64U << 20);
  EXPECT_LE(memory.free, memory.most);
}

TEST(OwnGroup, IsTheLineOfVersionTwo) {
  EXPECT_EQ(own_group("12:cpu,cpuacct:/x\n0::/user.slice/a\n"), "user.slice/a");
  EXPECT_EQ(own_group("0::/\n"), "");
  EXPECT_EQ(own_group("12:cpu:/x\n"), "");
  EXPECT_EQ(own_group(""), "");
}

TEST(PeakRss, IsWhatWasHeldOnce) {
  constexpr std::size_t kHeld = std::size_t{64} << 20;
  (void)std::string(kHeld, 'x');
  EXPECT_GE(peak_rss_bytes(), kHeld);
}

TEST(UsableCores, AreAtLeastOne) { EXPECT_GE(usable_cores(), 1U); }

}  // namespace
}  // namespace vecmill
