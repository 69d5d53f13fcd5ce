#include "vecmill/http/reply_progress.h"

#include <gtest/gtest.h>

namespace vecmill::http {
namespace {

using namespace std::chrono_literals;

TEST(ReplyProgressTest, TheTimeBeginsWithTheFirstByte) {
  ReplyProgress progress;
  const ReplyProgress::Time start = ReplyProgress::Time() + 1h;
  EXPECT_FALSE(progress.left(start, 30s, 10));
  EXPECT_FALSE(progress.left(start + 1h, 30s, 10));
  progress.received(1);
  EXPECT_EQ(progress.left(start + 2h, 30s, 10), 30s);
  EXPECT_EQ(progress.left(start + 2h + 10s, 30s, 10), 20s);
  EXPECT_EQ(progress.left(start + 2h + 30s, 30s, 10), 0s);
}

TEST(ReplyProgressTest, EachTimeBringsSoManyBytes) {
  ReplyProgress progress;
  const ReplyProgress::Time start;
  progress.received(100);
  EXPECT_EQ(progress.left(start, 30s, 10), 30s);
  progress.received(9);
  EXPECT_EQ(progress.left(start + 20s, 30s, 10), 10s);
  progress.received(1);
  EXPECT_EQ(progress.left(start + 25s, 30s, 10), 30s);
  EXPECT_EQ(progress.left(start + 60s, 30s, 10), -5s);
}

}  // namespace
}  // namespace vecmill::http
