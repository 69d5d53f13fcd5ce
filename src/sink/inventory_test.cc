#include "vecmill/sink/inventory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "vecmill/base/hash.h"
#include "vecmill/base/quick_folder.h"
#include "vecmill/qdrant/point_id.h"
#include "vecmill/qdrant/testing.h"
#include "vecmill/sink/qdrant_sink.h"
#include "vecmill/sink/sink_factory.h"
#include "vecmill/sink/sqlite_sink.h"

namespace vecmill::sink {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

const SpaceInfo kSpace{"space", "f32/1", "org/model", 2};

OutputRow row(const std::string& id, std::uint32_t truncated = 0) {
  OutputRow made;
  made.id = id;
  made.vector = {1, 0};
  made.truncated_tokens = truncated;
  made.text_hash = sha256_hex("text " + id);
  return made;
}

OutputRow failed(const std::string& id) {
  OutputRow made;
  made.id = id;
  made.error = make_error(ErrorKind::kTooLong, "is long");
  return made;
}

std::vector<std::string> ids_of(Inventory& inventory) {
  std::vector<std::string> ids;
  EXPECT_TRUE(inventory.each_row([&](const KnownRow& one) -> Status {
    ids.push_back(one.id);
    return {};
  }));
  return ids;
}

class InventoryTest : public testing::TestWithParam<const char*> {
 protected:
  InventoryTest() { fs::create_directories(folder_); }
  ~InventoryTest() override { fs::remove_all(folder_); }

  [[nodiscard]] std::string out(const char* extension) const {
    return folder_ / (std::string("x") + extension);
  }
  static void write(const std::string& out, const std::vector<OutputRow>& rows) {
    auto opened = sink::open(out, kSpace, {});
    ASSERT_TRUE(opened) << opened.error().to_string();
    ASSERT_TRUE(opened->sink->write(rows));
    ASSERT_TRUE(opened->sink->finish());
  }

  const fs::path folder_ = quick_folder() / ("vecmill-inventory-" + std::to_string(getpid()));
};

TEST_P(InventoryTest, TellsRowsFailuresAndTheSpace) {
  write(out(GetParam()), {row("b"), failed("bad"), row("a\n\"")});
  const auto inventory = open_inventory(out(GetParam()));
  ASSERT_TRUE(inventory) << inventory.error().to_string();
  EXPECT_THAT(ids_of(**inventory), ElementsAre("b", "a\n\""));
  std::vector<std::string> bad;
  ASSERT_TRUE((*inventory)->each_failed([&](const KnownRow& one) -> Status {
    bad.push_back(one.id);
    return {};
  }));
  EXPECT_THAT(bad, ElementsAre("bad"));
  EXPECT_EQ((*inventory)->identity()->info.space, "space");
  EXPECT_FALSE((*inventory)->knows_texts() || (*inventory)->knows_failed_texts());
  EXPECT_EQ((*inventory)->takes_single_rows(), GetParam() == std::string(".db"));
}

TEST_P(InventoryTest, ARunThatHasNotEndedIsNoOutput) {
  auto opened = sink::open(out(GetParam()), kSpace, {});
  ASSERT_TRUE(opened->sink->write(std::vector{row("a")}));
  ASSERT_TRUE(opened->sink->commit("1"));
  const auto inventory = open_inventory(out(GetParam()));
  EXPECT_EQ(inventory.error().kind, ErrorKind::kNotFound);
  EXPECT_THAT(inventory.error().hint, HasSubstr("--resume"));
}

TEST_P(InventoryTest, AnErrorOfTheListenerIsTheEnd) {
  write(out(GetParam()), {row("a"), row("b")});
  const auto inventory = open_inventory(out(GetParam()));
  const auto stop = [](const KnownRow&) { return Status(make_error(ErrorKind::kCancelled, "x")); };
  EXPECT_EQ((*inventory)->each_row(stop).error().kind, ErrorKind::kCancelled);
}

INSTANTIATE_TEST_SUITE_P(Files, InventoryTest, testing::Values(".npy", ".jsonl", ".db"));

TEST_F(InventoryTest, FailedLinesWithoutAnIdAreDamage) {
  write(out(".npy"), {row("a")});
  const auto inventory = open_inventory(out(".npy"));
  const auto each = [](const KnownRow&) { return Status(); };
  for (const char* line : {"{\"kind\":\"x\"}\n", "[]\n", "{\"id\":3}\n", "{\"id\":\"a\"\n"}) {
    std::ofstream(folder_ / "x.failed.jsonl") << line;
    const Status read = (*inventory)->each_failed(each);
    EXPECT_EQ(read.error().kind, ErrorKind::kInvalidData) << line;
    EXPECT_THAT(read.error().where, HasSubstr("x.failed.jsonl:1"));
  }
}

/// Pages have 4,096 rows.
TEST_F(InventoryTest, RowsOfADatabaseGoWhileTheyAreListed) {
  std::vector<OutputRow> rows;
  for (std::uint32_t i = 0; i < 10'000; ++i) rows.push_back(row(std::to_string(i), i % 2));
  write(out(".db"), rows);
  const auto inventory = open_inventory(out(".db"));
  std::vector<KnownRow> odd;
  std::uint64_t seen = 0, removed = 0;
  const auto each = [&](const KnownRow& one) -> Status {
    if (++seen % 2 == 0) odd.push_back(one);
    if (odd.size() < 1000) return {};
    VECMILL_ASSIGN(const std::uint64_t gone, (*inventory)->remove(odd));
    removed += gone;
    VECMILL_ASSIGN(const std::uint64_t again, (*inventory)->remove(odd));
    EXPECT_EQ(again, 0U);
    odd.clear();
    return {};
  };
  const Status done = (*inventory)->each_row(each);
  ASSERT_TRUE(done) << done.error().to_string();
  EXPECT_EQ(seen, 10'000U);
  EXPECT_EQ(removed, 5000U);
  EXPECT_EQ(ids_of(**inventory).size(), 5000U);
  const auto meta = read_sqlite_meta(out(".db"));
  EXPECT_EQ(meta->counts.rows, 5000U);
  EXPECT_EQ(meta->counts.truncated, 0U);
}

TEST(QdrantInventoryTest, PointsSayOfWhichTextAndGoOnlyWhileTheyAre) {
  qdrant::TestingServer server;
  const auto url = qdrant::parse_url(server.url()).value();
  {
    const auto opened = open_qdrant_sink(url, {kSpace, "f32"}, {true, false});
    ASSERT_TRUE(opened) << opened.error().to_string();
    ASSERT_TRUE(opened->opened.sink->write(std::vector{row("1"), row("it's"), row("2")}));
  }
  server.points["9"] = {{"id", 9}, {"payload", {{"mine", 1}}}};
  const auto inventory = open_inventory(server.url());
  ASSERT_TRUE(inventory) << inventory.error().to_string();
  EXPECT_THAT(ids_of(**inventory), UnorderedElementsAre("1", "it's", "2", "9"));
  EXPECT_TRUE((*inventory)->knows_texts());
  const std::vector<KnownRow> orphans = {{"1", sha256_hex("text 1")},
                                         {"it's", sha256_hex("text it's")},
                                         {"2", sha256_hex("of old")},
                                         {"9", {}},
                                         {"not there", sha256_hex("x")}};
  EXPECT_EQ((*inventory)->remove(orphans).value(), 2U);
  EXPECT_THAT(ids_of(**inventory), UnorderedElementsAre("2", "9"));
}

TEST(QdrantInventoryTest, WithoutARecordNobodyKnowsTheModel) {
  qdrant::TestingServer server;
  server.collection =
      qdrant::TestingServer::Json::parse(R"({"vectors":{"dense":{"size":2,"distance":"Cosine"}}})");
  const auto inventory = open_inventory(server.url());
  ASSERT_TRUE(inventory) << inventory.error().to_string();
  EXPECT_FALSE((*inventory)->identity().has_value());
}

}  // namespace
}  // namespace vecmill::sink
