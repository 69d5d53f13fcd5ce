#include "vecmill/sink/qdrant_sink.h"

#include <gtest/gtest.h>

#include "vecmill/base/hash.h"
#include "vecmill/qdrant/point_id.h"
#include "vecmill/qdrant/testing.h"

namespace vecmill::sink {
namespace {

using qdrant::TestingServer;
using Json = TestingServer::Json;
using Request = TestingServer::Request;

class QdrantSinkTest : public testing::Test {
 protected:
  Result<QdrantOpened> open(const std::string& parameters = {}, QdrantSinkOptions options = {}) {
    return open_qdrant_sink(qdrant::parse_url(server.url(parameters)).value(), identity, options);
  }

  /// A run without an error: `count` rows, then the end.
  Status run(std::size_t count, const std::string& parameters = {}) {
    VECMILL_ASSIGN(const auto opened, open(parameters, {true, false}));
    VECMILL_TRY(opened.opened.sink->write(rows(count)));
    return opened.opened.sink->finish();
  }

  std::vector<OutputRow> rows(std::size_t count) const {
    std::vector<OutputRow> made;
    for (std::size_t i = 0; i < count; ++i) {
      OutputRow row;
      row.id = std::to_string(i);
      if (identity.info.outputs.dense) row.vector = {1, static_cast<float>(i)};
      if (identity.info.outputs.sparse) row.sparse = {{3, 0.5F}, {7, 1.25F}};
      if (identity.info.outputs.multivector) row.multivector = {1, 0, 0, 3, 4, 0};
      row.metadata = i % 2 == 0 ? "{\"n\":[1]}" : "";
      row.text_hash = sha256_hex("text " + row.id);
      made.push_back(row);
    }
    return made;
  }

  [[nodiscard]] std::vector<std::size_t> batches() const {
    std::vector<std::size_t> sizes;
    for (const auto& request : server.requests()) {
      if (TestingServer::is_write(request)) {
        sizes.push_back(Json::parse(request.body)["points"].size());
      }
    }
    return sizes;
  }

  static std::string refusal(int status) {
    return http::LoopbackServer::reply(status, R"({"status":{"error":"x"}})");
  }

  static constexpr std::uint64_t kNever = 1'000'000'000;
  TestingServer server;
  Identity identity{{.space = "s", .arithmetic = "f32/1", .model = "m", .dims = 2}, "f32"};
};

TEST_F(QdrantSinkTest, APointHasItsVectorsItsPayloadAndOurStamp) {
  identity.info.outputs = {true, true, true};
  identity.info.multivector_dims = 3;
  identity.info.max_tokens = 100;
  const Status done = run(2);
  ASSERT_TRUE(done) << done.error().to_string();
  const Json expected = {
      {"id", 0},
      {"vector",
       {{"dense", {1, 0}},
        {"sparse", {{"indices", {3, 7}}, {"values", {0.5, 1.25}}}},
        {"multivector", {{1, 0, 0}, {3, 4, 0}}}}},
      {"payload", {{"n", {1}}, {"_vecmill", {{"id", "0"}, {"text_hash", sha256_hex("text 0")}}}}}};
  EXPECT_EQ(server.points.at("0"), expected);
  EXPECT_EQ((*server.collection)["vectors"]["multivector"]["multivector_config"]["comparator"],
            "max_sim");
  EXPECT_TRUE((*server.collection)["sparse_vectors"].contains("sparse"));
  EXPECT_EQ(server.metadata["vecmill"]["space"], "s");
}

TEST_F(QdrantSinkTest, RequestsAreSmall) {
  ASSERT_TRUE(run(600));
  EXPECT_EQ(batches(), (std::vector<std::size_t>{256, 256, 88}));
}

TEST_F(QdrantSinkTest, LongPointsGoByFour) {
  const auto opened = open({}, {true, false});
  auto some = rows(9);
  for (auto& row : some) row.metadata = "{\"long\":\"" + std::string(1'200'000, 'x') + "\"}";
  ASSERT_TRUE(opened->opened.sink->write(some));
  EXPECT_EQ(batches(), (std::vector<std::size_t>{3, 3, 3}));
}

TEST_F(QdrantSinkTest, WhatIsTooLargeIsHalved) {
  server.before = [](const Request& request) {
    const bool large =
        TestingServer::is_write(request) && Json::parse(request.body)["points"].size() > 2;
    return large ? std::optional(refusal(413)) : std::nullopt;
  };
  ASSERT_TRUE(run(7));
  EXPECT_EQ(server.points.size(), 7U);
  EXPECT_EQ(batches(), (std::vector<std::size_t>{7, 3, 1, 2, 4, 2, 2}));
}

TEST_F(QdrantSinkTest, ARefusedPointIsNamed) {
  server.before = [](const Request& request) {
    const bool bad =
        TestingServer::is_write(request) && request.body.find("{\"id\":5,") != std::string::npos;
    return bad ? std::optional(refusal(400)) : std::nullopt;
  };
  const Status done = run(7);
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message.find("it is about the point 5"), std::string::npos)
      << done.error().to_string();
}

TEST_F(QdrantSinkTest, AnotherSpaceIsRefused) {
  ASSERT_TRUE(run(1));
  identity.info.space = "t";
  EXPECT_EQ(run(1).error().kind, ErrorKind::kMismatch);
  identity.info.space = "s";
  identity.info.arithmetic = "int8/1";
  EXPECT_EQ(run(1).error().kind, ErrorKind::kMismatch);
}

TEST_F(QdrantSinkTest, PointsOfNobodyAreNotMixedWith) {
  ASSERT_TRUE(run(1));
  server.metadata = Json::object();
  EXPECT_EQ(run(1).error().kind, ErrorKind::kMismatch);
  EXPECT_TRUE(run(1, "?adopt=yes"));
  EXPECT_EQ(server.metadata["vecmill"]["space"], "s");
}

TEST_F(QdrantSinkTest, OtherVectorsOfACollectionAreNotRemoved) {
  ASSERT_TRUE(run(1));
  (*server.collection)["vectors"]["other"] = {{"size", 3}, {"distance", "Dot"}};
  EXPECT_EQ(run(1).error().kind, ErrorKind::kUnsupported);
}

TEST_F(QdrantSinkTest, ABulkLoadIndexesAtItsEnd) {
  const auto opened = open("?bulk=yes", {true, false});
  ASSERT_TRUE(opened) << opened.error().to_string();
  EXPECT_EQ(server.threshold, kNever);
  EXPECT_EQ(server.metadata["vecmill_bulk"], 10'000);
  ASSERT_TRUE(opened->opened.sink->write(rows(3)));
  EXPECT_EQ(server.threshold, kNever);
  ASSERT_TRUE(opened->opened.sink->finish());
  EXPECT_EQ(server.threshold, 10'000);
  EXPECT_FALSE(server.metadata.contains("vecmill_bulk"));
}

TEST_F(QdrantSinkTest, ABulkLoadIsOnRecordBeforeItBegins) {
  server.before = [this](const Request& request) {
    if (request.body.find("optimizers_config") != std::string::npos) {
      EXPECT_EQ(server.metadata.value("vecmill_bulk", 0), 10'000);
    }
    return std::optional<std::string>();
  };
  EXPECT_TRUE(run(1, "?bulk=yes"));
}

TEST_F(QdrantSinkTest, ABulkLoadThatWasKilledIsEndedByTheNextRun) {
  ASSERT_TRUE(run(1));
  for (const char* next : {"", "?bulk=yes"}) {
    server.metadata["vecmill_bulk"] = 777;
    server.threshold = kNever;
    EXPECT_TRUE(run(1, next));
    EXPECT_EQ(server.threshold, 777) << next;
    EXPECT_FALSE(server.metadata.contains("vecmill_bulk")) << next;
  }
}

TEST_F(QdrantSinkTest, ABulkLoadThatEndsEarlyIsUndone) {
  { const auto opened = open("?bulk=yes", {true, false}); }
  EXPECT_EQ(server.threshold, 10'000);
  server.threshold = nullptr;
  EXPECT_EQ(open("?bulk=yes").error().kind, ErrorKind::kUnsupported);
}

TEST_F(QdrantSinkTest, ALostPointIsFoundOut) {
  const auto opened = open({}, {true, false});
  ASSERT_TRUE(opened->opened.sink->write(rows(40)));
  server.points.erase("13");
  const Status done = opened->opened.sink->finish();
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message.find("has 39 points, and 40 were written"), std::string::npos);
}

TEST_F(QdrantSinkTest, AnotherVectorIsFoundOut) {
  for (const char* vector : {R"([1,0.02])", R"([1])", R"([0,0])"}) {
    const auto opened = open({}, {true, false});
    ASSERT_TRUE(opened->opened.sink->write(rows(1)));
    server.points["0"]["vector"]["dense"] = Json::parse(vector);
    EXPECT_FALSE(opened->opened.sink->finish()) << vector;
  }
  const auto opened = open({}, {true, false});
  ASSERT_TRUE(opened->opened.sink->write(rows(1)));
  server.points["0"]["vector"]["dense"] = {0.5, 0};  // as long as it likes
  EXPECT_TRUE(opened->opened.sink->finish());
}

TEST_F(QdrantSinkTest, OnlyPointsOfTheSameTextAreDone) {
  ASSERT_TRUE(run(3));
  server.points["1"]["payload"]["_vecmill"]["text_hash"] = "other";
  server.points["2"]["payload"].erase("_vecmill");
  const auto opened = open({}, {false, true});
  std::vector<Record> records;
  for (int i = 0; i < 4; ++i)
    records.push_back({std::to_string(i), "text " + std::to_string(i), {}});
  EXPECT_EQ(opened->find_done(records).value(), (std::vector<bool>{true, false, false, false}));
}

TEST_F(QdrantSinkTest, MoreTokenVectorsThanFitAreRefusedBefore) {
  identity.info.outputs = {true, false, true};
  identity.info.multivector_dims = 1024;
  identity.info.max_tokens = 1025;
  const Status refused = run(0);
  EXPECT_EQ(refused.error().kind, ErrorKind::kInvalidArgument);
  EXPECT_EQ(refused.error().hint, "add --max-seq-length 1024");
  identity.info.max_tokens = 1024;
  EXPECT_TRUE(run(0));
}

TEST(QdrantOldSinkTest, TheRecordIsAPointWhereThereIsNoMetadata) {
  TestingServer server("1.15.0");
  const Identity identity{{.space = "s", .arithmetic = "f32/1", .model = "m", .dims = 2}, "f32"};
  const auto url = qdrant::parse_url(server.url()).value();
  ASSERT_TRUE(open_qdrant_sink(url, identity, {true, false})->opened.sink->finish());
  ASSERT_EQ(server.points.size(), 1U);
  EXPECT_EQ(server.points.begin()->first, qdrant::point_json(qdrant::record_point()));
  EXPECT_TRUE(server.metadata.empty());
  Identity other = identity;
  other.info.space = "t";
  EXPECT_EQ(open_qdrant_sink(url, other, {}).error().kind, ErrorKind::kMismatch);
}

}  // namespace
}  // namespace vecmill::sink
