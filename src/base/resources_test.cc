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
