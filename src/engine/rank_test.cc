#include "vecmill/engine/rank.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "vecmill/sink/sink_factory.h"

namespace vecmill::engine {
namespace {

namespace fs = std::filesystem;

TEST(ScoreTest, SparseIsTheProductOverSharedTokens) {
  const SparseVector a = {{3, 0.5F}, {7, 2}, {9, 1}};
  EXPECT_FLOAT_EQ(sparse_score(a, {{1, 4}, {7, 0.25F}, {9, 3}, {12, 1}}), 0.5F + 3);
  EXPECT_EQ(sparse_score(a, {{1, 4}, {8, 4}}), 0);
  EXPECT_EQ(sparse_score(a, {}), 0);
  EXPECT_EQ(sparse_score({}, a), 0);
}

TEST(ScoreTest, MultivectorIsTheMeanOfTheBestOfEachOfTheQuestion) {
  const std::vector<float> question = {1, 0, 0, 1};
  const std::vector<float> document = {0, -1, 0.6F, 0.8F, 0.8F, -0.6F};
  EXPECT_FLOAT_EQ(multivector_score(question, document, 2), (0.8F + 0.8F) / 2);
  EXPECT_FLOAT_EQ(multivector_score(document, question, 2), (0 + 0.8F + 0.8F) / 3);
  EXPECT_EQ(multivector_score(question, {}, 2), 0);
  EXPECT_EQ(multivector_score({}, document, 2), 0);
  const std::vector<float> long_row(19, 2);
  EXPECT_FLOAT_EQ(multivector_score(long_row, long_row, 19), 76);
}

TEST(ScoreTest, CosineOfNothingIsZero) {
  const std::vector<float> a = {3, 4}, zero = {0, 0};
  EXPECT_FLOAT_EQ(cosine(a, a, length(a)), 1);
  EXPECT_EQ(cosine(zero, a, length(zero)), 0);
}

TEST(ScoreTest, AModeComparesWhatTheIndexHas) {
  const Outputs all = {true, true, true}, no_dense = {false, true, true},
                sparse = {false, true, false};
  const auto compared = [](QueryMode mode, const Outputs& had) {
    const auto outputs = compared_outputs(mode, had, "x.db");
    return outputs ? name(*outputs) : outputs.error().to_string();
  };
  EXPECT_EQ(compared(QueryMode::kAuto, all), "dense");
  EXPECT_EQ(compared(QueryMode::kAuto, no_dense), "sparse,multivector");
  EXPECT_EQ(compared(QueryMode::kHybrid, all), "dense,sparse,multivector");
  EXPECT_EQ(compared(QueryMode::kSparse, all), "sparse");
  EXPECT_EQ(compared(QueryMode::kMultivector, all), "multivector");
  EXPECT_THAT(compared(QueryMode::kDense, no_dense),
              testing::StartsWith("x.db: holds sparse,multivector, dense was asked for"));
  EXPECT_THAT(compared(QueryMode::kSparse, Outputs{}), testing::HasSubstr("--outputs"));
  EXPECT_THAT(compared(QueryMode::kHybrid, sparse), testing::HasSubstr("nothing to combine"));
}

class RankTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / "rank";
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    index_ = folder_ / ("x" + std::string(GetParam()));
    SpaceInfo info{"space", "f32/1", "m", 2};
    info.outputs = {true, true, true};
    info.multivector_dims = 2;
    auto opened = sink::open(index_, info, {});
    ASSERT_TRUE(opened) << opened.error().to_string();
    std::vector<OutputRow> rows(3);
    rows[0] = {"a", {1, 0}, {}, 0, {}, {{5, 1}}, {0.6F, 0.8F}};
    rows[1] = {"b", {0, 1}, {}, 0, {}, {}, {1, 0, 0, 1}};
    rows[2] = {"c", {0.6F, 0.8F}, {}, 0, {}, {{4, 0.5F}, {5, 2}}, {0, -1}};
    ASSERT_TRUE(opened->sink->write(rows));
    ASSERT_TRUE(opened->sink->commit("end"));
    ASSERT_TRUE(opened->sink->finish());
  }
  void TearDown() override { fs::remove_all(folder_); }

  /// "b=100 a=50 ", in hundredths
  std::string ranked(const Outputs& compared) {
    Embedding asked;
    asked.vector = {0, 1};
    asked.sparse = {{5, 0.5F}};
    asked.multivector = {0, 1};
    const auto hits = rank({asked, compared, 2}, index_, 10);
    if (!hits) return hits.error().to_string();
    std::string line;
    for (const Hit& hit : *hits) {
      line += hit.id + "=" + std::to_string(std::lround(hit.score * 100)) + " ";
    }
    return line;
  }

  fs::path folder_;
  std::string index_;
};

TEST_P(RankTest, EachOutputHasItsScore) {
  EXPECT_EQ(ranked({true, false, false}), "b=100 c=80 a=0 ");
  EXPECT_EQ(ranked({false, true, false}), "c=100 a=50 b=0 ");
  EXPECT_EQ(ranked({false, false, true}), "b=100 a=80 c=-100 ");
}

TEST_P(RankTest, TheHybridScoreWeighsThem) {
  EXPECT_EQ(ranked({true, true, true}), "b=80 a=42 c=12 ");
}

INSTANTIATE_TEST_SUITE_P(Outputs, RankTest, testing::Values(".jsonl", ".db"));

}  // namespace
}  // namespace vecmill::engine
