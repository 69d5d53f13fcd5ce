#include "vecmill/sink/shared_sqlite_sink.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "vecmill/base/quick_folder.h"
#include "vecmill/sink/sink_factory.h"
#include "vecmill/sink/sqlite_sink.h"

namespace vecmill::sink {
namespace {

const SpaceInfo kSpace{"space", "f32/1", "org/model", 2};

class SharedSqliteSinkTest : public testing::Test {
 protected:
  SharedSqliteSinkTest() { std::filesystem::create_directories(folder_); }
  ~SharedSqliteSinkTest() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<Sink> open() const {
    auto sink = open_shared_sqlite_sink(out_, {kSpace, "f32"});
    EXPECT_TRUE(sink) << sink.error().to_string();
    return std::move(*sink);
  }
  static OutputRow row(int i, float value = 1) {
    OutputRow made;
    made.id = std::to_string(i);
    made.vector = {value, static_cast<float>(i)};
    made.truncated_tokens = i % 2 == 0 ? 3 : 0;
    return made;
  }

  const std::filesystem::path folder_ =
      quick_folder() / ("vecmill-shared-sink-" + std::to_string(getpid()));
  const std::filesystem::path out_ = folder_ / "out.db";
};

TEST_F(SharedSqliteSinkTest, SeveralWriteAtOnceAndEachRowCountsOnce) {
  std::vector<std::thread> writers;
  for (int writer = 0; writer < 4; ++writer) {
    writers.emplace_back([&] {
      const auto sink = open();
      for (int i = 0; i < 40; ++i) EXPECT_TRUE(sink->write(std::vector{row(i), row(i + 1)}));
      EXPECT_TRUE(sink->commit("x") && sink->finish());
    });
  }
  for (std::thread& writer : writers) writer.join();
  const auto meta = read_sqlite_meta(out_);
  ASSERT_TRUE(meta) << meta.error().to_string();
  EXPECT_EQ(meta->counts.rows, 41U);
  EXPECT_EQ(meta->counts.truncated, 21U);
}

TEST_F(SharedSqliteSinkTest, ATextThatFailedHasNoRow) {
  OutputRow failed;
  failed.id = "bad";
  failed.error = make_error(ErrorKind::kTooLong, "long");
  ASSERT_TRUE(open()->write(std::vector{row(1), failed}));
  EXPECT_EQ(read_sqlite_meta(out_)->counts.rows, 1U);
}

TEST_F(SharedSqliteSinkTest, AnotherSpaceStoreOrKindOfRunIsRefused) {
  (void)open();
  SpaceInfo other = kSpace;
  other.space = "another";
  EXPECT_EQ(open_shared_sqlite_sink(out_, {other, "f32"}).error().kind, ErrorKind::kMismatch);
  EXPECT_EQ(open_shared_sqlite_sink(out_, {kSpace, "f16"}).error().kind, ErrorKind::kMismatch);
  other = kSpace;
  other.outputs.sparse = true;
  EXPECT_EQ(open_shared_sqlite_sink(out_, {other, "f32"}).error().kind,
            ErrorKind::kInvalidArgument);
  const auto run = folder_ / "run.db";
  ASSERT_TRUE(sink::open(run, kSpace, {})->sink->commit("1"));
  EXPECT_EQ(open_shared_sqlite_sink(run, {kSpace, "f32"}).error().kind,
            ErrorKind::kInvalidArgument);
}

}  // namespace
}  // namespace vecmill::sink
