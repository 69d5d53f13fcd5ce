#include "vecmill/engine/worker_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

namespace vecmill::engine {
namespace {

TEST(WorkerPoolTest, EveryIndexIsDoneExactlyOnce) {
  for (const std::size_t threads : {1U, 2U, 5U}) {
    WorkerPool pool(threads);
    EXPECT_EQ(pool.size(), threads);
    for (const std::size_t count : {0U, 1U, 3U, 1000U}) {
      std::vector<int> done(count, 0);
      pool.run(count, [&](std::size_t i) { ++done[i]; });
      EXPECT_EQ(std::accumulate(done.begin(), done.end(), 0), static_cast<int>(count));
      EXPECT_EQ(std::count(done.begin(), done.end(), 1), static_cast<std::ptrdiff_t>(count));
    }
  }
}

}  // namespace
}  // namespace vecmill::engine
