#include "vecmill/sink/scan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "vecmill/base/mapped_file.h"
#include "vecmill/sink/index.h"
#include "vecmill/sink/sink_factory.h"

namespace vecmill::sink {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr Outputs kAll = {true, true, true};

class ScanTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / "scan";
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  [[nodiscard]] std::string out() const { return folder_ / ("x" + std::string(GetParam())); }

  static std::vector<OutputRow> rows() {
    std::vector<OutputRow> rows(3);
    rows[0] = {"z", {1, 0.1F, 0}, {}, 0, {}, {{3, 0.25F}, {70000, 1e-9F}}, {1, 0, 0, -1}};
    rows[1] = {"empty", {0, 1, 0}, {}, 0, {}, {}, {}};
    rows[2] = {"a", {0, 0, 1}, R"({"n":1})", 5, {}, {{1, 2}}, {0.1F, 0.7F}};
    return rows;
  }

  void write(const Outputs& outputs, Store store = Store::kF32) const {
    SpaceInfo info{"space", "f32/1", "m", 3};
    info.outputs = outputs;
    info.multivector_dims = outputs.multivector ? 2 : 0;
    SinkOptions options;
    options.store = store;
    auto opened = sink::open(out(), info, options);
    ASSERT_TRUE(opened) << opened.error().to_string();
    std::vector<OutputRow> all = rows();
    for (OutputRow& row : all) {
      if (!outputs.dense) row.vector.clear();
    }
    ASSERT_TRUE(opened->sink->write(all));
    ASSERT_TRUE(opened->sink->commit("end"));
    ASSERT_TRUE(opened->sink->finish());
  }

  Result<std::vector<ScannedRow>> scan(const Outputs& wanted) const {
    VECMILL_ASSIGN(const Meta meta, read_description(out()));
    std::vector<ScannedRow> found;
    VECMILL_TRY(scan_rows(out(), meta, wanted, [&](const ScannedRow& row) {
      found.push_back(row);
      return Status();
    }));
    return found;
  }

  fs::path folder_;
};

TEST_P(ScanTest, GivesBackWhatWasWritten) {
  write(kAll);
  const auto found = scan(kAll);
  ASSERT_TRUE(found) << found.error().to_string();
  const auto expected = rows();
  ASSERT_EQ(found->size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ((*found)[i].id, expected[i].id);
    EXPECT_EQ((*found)[i].vector, expected[i].vector);
    EXPECT_EQ((*found)[i].sparse, expected[i].sparse);
    EXPECT_EQ((*found)[i].multivector, expected[i].multivector);
  }
  const auto meta = read_description(out());
  ASSERT_TRUE(meta);
  EXPECT_EQ(meta->identity.info.outputs, kAll);
  EXPECT_EQ(meta->identity.info.multivector_dims, 2u);
}

TEST_P(ScanTest, ReadsOnlyWhatIsWanted) {
  write(kAll, Store::kF16);
  const auto found = scan({false, true, false});
  ASSERT_TRUE(found) << found.error().to_string();
  EXPECT_TRUE(found->front().vector.empty());
  EXPECT_TRUE(found->front().multivector.empty());
  EXPECT_THAT(found->front().sparse, ElementsAre(TokenWeight{3, 0.25F}, TokenWeight{70000, 0}));
  const auto vectors = scan({true, false, true});
  ASSERT_TRUE(vectors);
  EXPECT_THAT(vectors->at(2).multivector, ElementsAre(0.0999755859375F, 0.7001953125F));
}

TEST_P(ScanTest, TheDenseIndexIsThereWhereDenseVectorsAre) {
  write({true, true, false});
  const auto index = read_index(out());
  ASSERT_TRUE(index) << index.error().to_string();
  EXPECT_THAT(index->ids, ElementsAre("z", "empty", "a"));
  std::vector<float> scratch;
  EXPECT_THAT(index->row(0, scratch), ElementsAre(1, 0.1F, 0));
}

TEST_P(ScanTest, AResumeWantsTheSameOutputs) {
  write(kAll);
  SinkOptions options;
  options.resume = true;
  SpaceInfo info{"space", "f32/1", "m", 3};
  info.outputs = {false, true, true};
  info.multivector_dims = 2;
  const auto others = sink::open(out(), info, options);
  ASSERT_FALSE(others);
  EXPECT_EQ(others.error().kind, ErrorKind::kMismatch);
  EXPECT_THAT(others.error().message, HasSubstr("dense,sparse,multivector"));
  info.outputs = kAll;
  const auto same = sink::open(out(), info, options);
  ASSERT_TRUE(same) << same.error().to_string();
  EXPECT_TRUE(same->complete);
}

TEST_P(ScanTest, AnIndexWithoutDenseVectorsIsNone) {
  write({false, true, true});
  const auto index = read_index(out());
  ASSERT_FALSE(index);
  EXPECT_EQ(index.error().kind, ErrorKind::kMismatch);
  EXPECT_THAT(index.error().message, HasSubstr("sparse,multivector"));
  EXPECT_TRUE(scan({false, true, true}));
}

INSTANTIATE_TEST_SUITE_P(Outputs, ScanTest, testing::Values(".jsonl", ".db"));

class ScanJsonlTest : public ScanTest {};

TEST_P(ScanJsonlTest, DamagedLines) {
  const std::pair<const char*, const char*> cases[] = {
      {"\"dense\":[1,", "\"dense\":[1,1,"},
      {"\"dense\":", "\"vector\":"},
      {"\"indices\":[3,70000]", "\"indices\":[3]"},
      {"\"indices\":[3,70000]", "\"indices\":[70000,3]"},
      {"\"indices\":[3,70000]", "\"indices\":[3,3]"},
      {"\"indices\":[3,70000]", "\"indices\":[3,7e4]"},
      {"\"indices\":[3,70000]", "\"indices\":{}"},
      {"\"sparse\":{", "\"sparse\":[],\"x\":{"},
      {"\"multivector\":[[1,0]", "\"multivector\":[[1,0,0]"},
      {"\"multivector\":[[1,0]", "\"multivector\":[[1]"},
      {"\"multivector\":[[1,0]", "\"multivector\":[1,[1,0]"},
      {"\"multivector\":[[1,0]", "\"multivector\":[[1,null]"},
  };
  write(kAll);
  const auto good = read_file(out());
  ASSERT_TRUE(good);
  for (const auto& [from, to] : cases) {
    std::string text = *good;
    ASSERT_NE(text.find(from), std::string::npos) << from;
    text.replace(text.find(from), std::string(from).size(), to);
    std::ofstream(out(), std::ios::binary) << text;
    const auto found = scan(kAll);
    ASSERT_FALSE(found) << to;
    EXPECT_EQ(found.error().kind, ErrorKind::kInvalidData);
    EXPECT_THAT(found.error().to_string(), HasSubstr("x.jsonl:1")) << to;
  }
}

TEST_P(ScanJsonlTest, OfTwoFieldsOfOneNameTheLastCounts) {
  write(kAll);
  std::string text = *read_file(out());
  const std::string twice =
      R"("dense":[9,9,9],"sparse":{"indices":[9],"values":[9]},"multivector":[[9,9]],)";
  text.insert(text.find("\"dense\""), twice);
  std::ofstream(out(), std::ios::binary) << text;
  const auto found = scan(kAll);
  ASSERT_TRUE(found) << found.error().to_string();
  EXPECT_EQ(found->front().vector, rows().front().vector);
  EXPECT_EQ(found->front().sparse, rows().front().sparse);
  EXPECT_EQ(found->front().multivector, rows().front().multivector);
}

TEST_P(ScanJsonlTest, RowsOfAnotherModelAreMarkedCountedAndLeftOut) {
  SpaceInfo info{"space", "api/1", "m", 3};
  info.fallback = "n (by --same-space)";
  auto opened = sink::open(out(), info, {});
  ASSERT_TRUE(opened);
  std::vector<OutputRow> all = rows();
  all[1].degraded = "builtin:hash";
  ASSERT_TRUE(opened->sink->write(all));
  ASSERT_TRUE(opened->sink->commit("half"));
  opened->sink.reset();
  SinkOptions resume;
  resume.resume = true;
  opened = sink::open(out(), info, resume);
  ASSERT_TRUE(opened);
  ASSERT_TRUE(opened->sink->finish());
  const auto meta = read_description(out());
  ASSERT_TRUE(meta);
  EXPECT_EQ(meta->counts.rows, 3U);
  EXPECT_EQ(meta->counts.degraded, 1U);
  EXPECT_EQ(meta->identity.info.fallback, "n (by --same-space)");
  const auto found = scan(Outputs{});
  ASSERT_TRUE(found) << found.error().to_string();
  ASSERT_EQ(found->size(), 2U);
  EXPECT_EQ(found->back().id, "a");
}

INSTANTIATE_TEST_SUITE_P(Outputs, ScanJsonlTest, testing::Values(".jsonl"));

TEST(ScanFactoryTest, ANpyHoldsDenseVectorsOnly) {
  SpaceInfo info{"space", "f32/1", "m", 3};
  info.outputs.sparse = true;
  const auto opened = sink::open("x.npy", info, {});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, ErrorKind::kInvalidArgument);
}

}  // namespace
}  // namespace vecmill::sink
