#include "vecmill/remote/in_order.h"

#include <gtest/gtest.h>

#include <latch>
#include <numeric>
#include <vector>

namespace vecmill::remote {
namespace {

TEST(InOrderTest, AllIsDoneInItsOrderBeforeItIsGone) {
  std::vector<int> done, all(1000);
  std::iota(all.begin(), all.end(), 0);
  std::latch given(1);
  {
    InOrder acts;
    acts.run([&] { given.wait(); });
    for (const int n : all) acts.run([&done, n] { done.push_back(n); });
    EXPECT_TRUE(done.empty()) << "nobody waited for the first";
    given.count_down();
  }
  EXPECT_EQ(done, all);
}

}  // namespace
}  // namespace vecmill::remote
