#include "vecmill/engine/embed_run.h"

#include <gtest/gtest.h>

#include <atomic>

namespace vecmill::engine {
namespace {

/// Records "0", "1", ... whose text is `length(i)` letters and then the number.
class CountingSource : public Source {
 public:
  explicit CountingSource(std::size_t count) : count_(count) {}
  Result<std::vector<Record>> next(std::size_t count) override {
    std::vector<Record> records;
    for (; records.size() < count && next_ < count_; ++next_) {
      if (next_ == broken_at) return make_error(ErrorKind::kInvalidData, "broken", "line 1");
      const std::string id = std::to_string(next_);
      const std::string text =
          next_ % 10 == 7 ? " \n" : std::string(next_ * 37 % longest, 'x') + id;
      records.push_back({id, text, "{\"n\":" + id + "}"});
    }
    return records;
  }
  [[nodiscard]] std::string position() const override { return std::to_string(next_); }
  Status seek(const std::string& position) override {
    next_ = std::stoul(position);
    return {};
  }
  std::size_t broken_at = SIZE_MAX, longest = 900;

 private:
  std::size_t next_ = 0;
  const std::size_t count_;
};

/// The vector of a text is its length; texts with a 13 at the end fail.
class LengthProvider : public Provider {
 public:
  [[nodiscard]] Capabilities capabilities(const EmbedOptions&) const override {
    Capabilities result;
    result.remote = remote;
    return result;
  }
  Result<std::uint32_t> count_tokens(std::string_view text, Role) const override {
    return static_cast<std::uint32_t>(text.size());
  }
  std::vector<Result<Embedding>> embed(std::span<const std::string_view> texts,
                                       const EmbedOptions&) override {
    const int call = ++calls_;
    if (call == stop_after) stop.request_stop();
    std::vector<Result<Embedding>> results;
    if (refuse_after > 0 && call > refuse_after) {
      results.assign(texts.size(), make_error(ErrorKind::kAuth, "no more"));
      return results;
    }
    for (const std::string_view text : texts) {
      if (!poor_at.empty() && text.ends_with(poor_at)) {
        results.emplace_back(make_error(ErrorKind::kLimited, "no money"));
      } else if (text.ends_with("13")) {
        results.emplace_back(make_error(ErrorKind::kTooLong, "unlucky"));
      } else {
        results.emplace_back(Embedding{{static_cast<float>(text.size())}, 1, text.size() > 850});
      }
    }
    return results;
  }
  int stop_after = 0, refuse_after = 0;
  std::string poor_at;  ///< the end of the text for which there is no money
  bool remote = false;
  std::stop_source stop;

 private:
  std::atomic<int> calls_{0};
};

class MemorySink : public Sink {
 public:
  Status write(std::span<const OutputRow> rows) override {
    if (rows_.size() >= full_at) return make_error(ErrorKind::kIo, "disk full");
    rows_.insert(rows_.end(), rows.begin(), rows.end());
    return {};
  }
  Status commit(const std::string& position) override {
    committed = rows_.size();
    committed_position = position;
    return {};
  }
  Status finish() override { return {}; }

  std::vector<OutputRow> rows_;
  std::size_t full_at = SIZE_MAX, committed = 0;
  std::string committed_position;
};

struct Job {
  CountingSource source{5000};
  MemorySink sink;
  LengthProvider provider;
  WorkerPool pool{3};
  EmbedJob job;

  Result<EmbedReport> go() {
    return run_embedding({source, sink, provider, pool}, job, {}, provider.stop.get_token());
  }
};

TEST(EmbedRunTest, RowsComeInInputOrderAndOneBadTextFailsAlone) {
  Job run;
  const auto report = run.go();
  ASSERT_TRUE(report) << report.error().to_string();
  ASSERT_EQ(run.sink.rows_.size(), 5000U);
  CountingSource again(5000);
  for (std::size_t i = 0; i < 5000; ++i) {
    const OutputRow& row = run.sink.rows_[i];
    const Record record = (*again.next(1))[0];
    ASSERT_EQ(row.id, record.id);
    ASSERT_EQ(row.metadata, record.metadata);
    ASSERT_EQ(row.error.has_value(), record.text.ends_with("13"));
    if (row.error) continue;
    ASSERT_EQ(row.vector[0], static_cast<float>(record.text.size()));
  }
  EXPECT_EQ(report->failed, 50U);
  EXPECT_EQ(report->embedded, 4950U);
  EXPECT_EQ(report->empty, 500U);
  EXPECT_GT(report->truncated_texts, 20U);
  EXPECT_EQ(report->truncated_ids.size(), 20U);
  EXPECT_EQ(run.sink.committed, 5000U);
  EXPECT_EQ(run.sink.committed_position, "5000");
}

TEST(EmbedRunTest, BlankTextsAreSkippedOrFailWhenAskedTo) {
  Job skip;
  skip.job.empty = Empty::kSkip;
  const auto skipped = skip.go();
  ASSERT_TRUE(skipped);
  EXPECT_EQ(skipped->skipped, 500U);
  EXPECT_EQ(skip.sink.rows_.size(), 4500U);

  Job fail;
  fail.job.empty = Empty::kFail;
  const auto failed = fail.go();
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->failed, 550U);
  EXPECT_EQ(fail.sink.rows_[7].error->kind, ErrorKind::kInvalidData);
}

TEST(EmbedRunTest, AfterAStopWhatWasEmbeddedIsCommittedAndTheRestGoesOnBehindIt) {
  Job run;
  run.provider.stop_after = 40;
  const auto report = run.go();
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().kind, ErrorKind::kCancelled);
  ASSERT_GT(run.sink.committed, 0U);
  ASSERT_LT(run.sink.committed, 5000U);
  EXPECT_EQ(run.sink.committed, run.sink.rows_.size());

  Job rest;
  ASSERT_TRUE(rest.source.seek(run.sink.committed_position));
  ASSERT_TRUE(rest.go());
  EXPECT_EQ(run.sink.rows_.size() + rest.sink.rows_.size(), 5000U);
  EXPECT_EQ(rest.sink.rows_[0].id, run.sink.committed_position);
}

TEST(EmbedRunTest, AnErrorThatIsNoTextsFaultEndsTheRunAndIsNoRow) {
  for (const bool remote : {false, true}) {
    Job run;
    run.provider.remote = remote;  // then a call is a window
    run.provider.refuse_after = remote ? 2 : 60;
    const auto report = run.go();
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().kind, ErrorKind::kAuth);
    EXPECT_GT(run.sink.rows_.size(), 0U);
    EXPECT_LT(run.sink.rows_.size(), 5000U);
    EXPECT_EQ(run.sink.committed_position, std::to_string(run.sink.rows_.size()));
    for (const OutputRow& row : run.sink.rows_) {
      EXPECT_TRUE(!row.error || row.error->kind == ErrorKind::kTooLong);
    }
  }
}

TEST(EmbedRunTest, WhatWasFinishedBeforeAnErrorIsKept) {
  for (const Empty empty : {Empty::kEmbed, Empty::kSkip}) {
    Job run;
    run.provider.remote = true;
    run.provider.poor_at = "2345";
    run.job.empty = empty;
    const auto report = run.go();
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().kind, ErrorKind::kLimited);
    EXPECT_EQ(run.sink.committed_position, "2345");
    EXPECT_EQ(run.sink.committed, run.sink.rows_.size());
    EXPECT_EQ(run.sink.rows_.back().id, "2344");
    EXPECT_EQ(run.sink.rows_.size(), empty == Empty::kSkip ? 2345U - 234U : 2345U);
  }
}

TEST(EmbedRunTest, NothingStandsBehindRowsThatWereNotWritten) {
  Job run;
  run.provider.remote = true;
  run.provider.poor_at = "4999";
  run.sink.full_at = 1;
  ASSERT_FALSE(run.go());
  EXPECT_EQ(run.sink.committed_position, std::to_string(run.sink.committed));
}

TEST(EmbedRunTest, ABrokenInputKeepsWhatCameBeforeIt) {
  Job run;
  run.source.broken_at = 3000;
  const auto report = run.go();
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().to_string(), "line 1: broken");
  EXPECT_EQ(run.sink.committed_position, std::to_string(run.sink.rows_.size()));
}

TEST(EmbedRunTest, AFullDiskEndsTheRunAndCommitsNothingAfterIt) {
  Job run;
  run.sink.full_at = 1000;
  const auto report = run.go();
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().kind, ErrorKind::kIo);
  EXPECT_LE(run.sink.committed, run.sink.rows_.size());
  EXPECT_EQ(run.sink.committed_position, std::to_string(run.sink.committed));
}

// Short texts: several windows share a commit, so what was written and what is committed differ.
TEST(EmbedRunTest, ACommitOfSeveralWindowsStandsBehindTheLastOfThem) {
  Job run;
  run.source.longest = 5;
  run.source.broken_at = 4500;
  ASSERT_FALSE(run.go());
  EXPECT_EQ(run.sink.committed, run.sink.rows_.size());
  EXPECT_EQ(run.sink.committed_position, std::to_string(run.sink.rows_.size()));
  EXPECT_EQ(run.sink.rows_.size(), 4096U);
}

TEST(EmbedRunTest, AFailedWriteIsNotCommittedWithWhatCameBeforeIt) {
  Job run;
  run.source.longest = 5;
  run.sink.full_at = 4000;  // the third window of 2,048 does not fit any more
  ASSERT_FALSE(run.go());
  EXPECT_EQ(run.sink.committed, 0U);
}

TEST(EmbedRunTest, BatchSizeDoesNotChangeTheResult) {
  for (const std::uint32_t size : {1U, 7U, 512U}) {
    Job run;
    run.job.batch_size = size;
    ASSERT_TRUE(run.go());
    EXPECT_EQ(run.sink.rows_.size(), 5000U);
    EXPECT_EQ(run.sink.rows_[4321].id, "4321");
  }
}

}  // namespace
}  // namespace vecmill::engine
