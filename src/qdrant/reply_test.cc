#include "vecmill/qdrant/reply.h"

#include <gtest/gtest.h>

#include <functional>
#include <vector>

namespace vecmill::qdrant {
namespace {

std::string ok(const std::string& result) {
  return R"({"time":0.1,"status":"ok","result":)" + result + "}";
}

TEST(QdrantReplyTest, AVersion) {
  EXPECT_EQ(parse_version(R"({"title":"qdrant","version":"1.19.0"})").value(), (Version{1, 19}));
  EXPECT_EQ(parse_version(R"({"version":"2.0.1-dev"})").value(), (Version{2, 0}));
  for (const char* bad : {"", "{}", R"({"version":"1"})", R"({"version":"a.b"})",
                          R"({"version":"1.x"})", R"({"version":1.19})"}) {
    EXPECT_FALSE(parse_version(bad)) << bad;
  }
}

TEST(QdrantReplyTest, ACollection) {
  const auto read = parse_collection(ok(
      R"({"status":"green","config":{"params":{"vectors":{
        "dense":{"size":4,"distance":"Cosine"},
        "rows":{"size":2,"distance":"Dot","datatype":"float16","multivector_config":{"comparator":"max_sim"}}},
        "sparse_vectors":{"words":{}}},"optimizer_config":{"indexing_threshold":20000},
        "metadata":{"vecmill":{"space":"s"},"vecmill_bulk":7}}})"));
  ASSERT_TRUE(read) << read.error().to_string();
  EXPECT_EQ(read->vectors.size(), 2U);
  EXPECT_EQ(read->vectors.at("dense").size, 4U);
  EXPECT_EQ(read->vectors.at("dense").datatype, "float32");
  EXPECT_FALSE(read->vectors.at("dense").multivector);
  EXPECT_EQ(read->vectors.at("rows").distance, "Dot");
  EXPECT_EQ(read->vectors.at("rows").datatype, "float16");
  EXPECT_TRUE(read->vectors.at("rows").multivector);
  EXPECT_EQ(read->sparse, std::set<std::string>{"words"});
  EXPECT_EQ(read->indexing_threshold, 20000U);
  EXPECT_EQ(read->record.identity, R"({"space":"s"})");
  EXPECT_EQ(read->record.bulk, 7U);
}

TEST(QdrantReplyTest, AnOldCollectionWithoutNames) {
  const auto read = parse_collection(
      ok(R"({"config":{"params":{"vectors":{"size":4,"distance":"Dot"},"sparse_vectors":null},
             "optimizer_config":{"indexing_threshold":null},"metadata":null}})"));
  ASSERT_TRUE(read) << read.error().to_string();
  EXPECT_EQ(read->vectors.at("").size, 4U);
  EXPECT_TRUE(read->sparse.empty() && read->record.identity.empty());
  EXPECT_FALSE(read->indexing_threshold || read->record.bulk);
}

TEST(QdrantReplyTest, PointsOfOthersAndOfOurs) {
  const auto page = parse_page(ok(R"({"points":[
        {"id":18446744073709551615,"payload":{"text":"a","n":[1,{"x":null}],"ü\"":2},"vector":null},
        {"id":"0b6ec5bd-59c4-5e42-8a21-6a1e0b1c6f11","payload":{"text":null,"_vecmill":{"id":"me","text_hash":"ab"}}},
        {"id":3,"payload":{"text":4}},{"id":4,"payload":null},
        {"id":5,"payload":{"_vecmill":{"record":{"space":"s"},"bulk":9}}}],
        "next_page_offset":6})"),
                               "text");
  ASSERT_TRUE(page) << page.error().to_string();
  const auto& points = page->points;
  ASSERT_EQ(points.size(), 5U);
  EXPECT_EQ(page->next, "6");
  EXPECT_EQ(points[0].id, "18446744073709551615");
  EXPECT_EQ(points[0].text, "a");
  EXPECT_EQ(points[0].metadata, R"({"n":[1,{"x":null}],"ü\"":2})");
  EXPECT_EQ(points[0].fields, (std::vector<std::string>{"text", "n", "ü\""}));
  EXPECT_EQ(points[1].own_id + points[1].text_hash + points[1].metadata, "meab");
  EXPECT_FALSE(points[1].text || points[1].odd_text || points[1].record);
  EXPECT_TRUE(points[2].odd_text && !points[2].text);
  EXPECT_EQ(points[4].record->identity, R"({"space":"s"})");
  EXPECT_EQ(points[4].record->bulk, 9U);
  EXPECT_TRUE(parse_page(ok(R"({"points":[],"next_page_offset":null})"), "")->next.empty());
}

TEST(QdrantReplyTest, VectorsOfEveryKind) {
  const auto points = parse_points(ok(
      R"([{"id":1,"vector":{"d":[1,2.5],"m":[[1,2],[3,4]],"e":[],"s":{"indices":[9,3],"values":[0.5,1]}}}])"));
  ASSERT_TRUE(points) << points.error().to_string();
  const Point& point = points->at(0);
  EXPECT_EQ(point.vectors.at("d"), (std::vector<float>{1, 2.5F}));
  EXPECT_EQ(point.vectors.at("m"), (std::vector<float>{1, 2, 3, 4}));
  EXPECT_TRUE(point.vectors.at("e").empty());
  EXPECT_EQ(point.sparse.at("s"), (SparseVector{{3, 1}, {9, 0.5F}}));
}

TEST(QdrantReplyTest, OnlyADoneChangeIsDone) {
  EXPECT_TRUE(parse_done(ok(R"({"operation_id":1,"status":"completed"})")));
  for (const char* status : {"acknowledged", "wait_timeout", "", "clock_rejected"}) {
    EXPECT_FALSE(parse_done(ok(R"({"operation_id":1,"status":")" + std::string(status) + "\"}")));
  }
  EXPECT_FALSE(parse_done(ok("true")));
  EXPECT_FALSE(parse_done(R"({"status":{"error":"x"},"result":{"status":"completed"}})"));
  EXPECT_TRUE(parse_ok(ok("true")));
}

TEST(QdrantReplyTest, Scores) {
  const auto found = parse_scored(
      ok(R"({"points":[{"id":7,"version":1,"score":0.5,"payload":{"_vecmill":{"id":"x"}}}]})"));
  ASSERT_TRUE(found) << found.error().to_string();
  EXPECT_EQ(found->at(0).point.own_id, "x");
  EXPECT_EQ(found->at(0).score, 0.5F);
  EXPECT_EQ(parse_count(ok(R"({"count":12})")).value(), 12U);
}

TEST(QdrantReplyTest, WhatIsNotPromisedIsRefused) {
  const std::vector<std::string> results = {
      "null",
      "1",
      "[1]",
      "{}",
      "[{}]",
      R"([{"id":-1}])",
      R"([{"id":1.5}])",
      R"({"points":1})",
      R"({"points":[{"id":1}]})",
      R"([{"id":1,"vector":{"a":1}}])",
      R"([{"id":1,"vector":{"a":["x"]}}])",
      R"([{"id":1,"vector":{"a":[[1],2]}}])",
      R"([{"id":1,"vector":{"a":[["x"]]}}])",
      R"([{"id":1,"vector":{"a":{"indices":[1],"values":[]}}}])",
      R"([{"id":1,"vector":{"a":{"indices":[-1],"values":[1]}}}])",
      R"([{"id":1,"vector":{"a":{"indices":[4294967296],"values":[1]}}}])",
      R"({"points":[{"score":1}]})",
      R"({"count":-1})",
      R"({"config":{"params":[]}})",
      R"({"config":{"params":{"vectors":{"a":{"size":1}}}}})"};
  for (const std::string& result : results) {
    EXPECT_FALSE(parse_points(ok(result))) << result;
    EXPECT_FALSE(parse_scored(ok(result))) << result;
    EXPECT_FALSE(parse_count(ok(result))) << result;
    EXPECT_FALSE(parse_collection(ok(result))) << result;
  }
  EXPECT_FALSE(parse_page(ok(R"({"points":[],"next_page_offset":1.5})"), ""));
  EXPECT_FALSE(parse_page(ok(R"({"points":[{"id":null}]})"), ""));
  for (const char* body : {"", "<html>", "[]", R"({"status":"ok"})", R"({"result":[]})"}) {
    EXPECT_FALSE(parse_points(body)) << body;
  }
}

TEST(QdrantReplyTest, WhatTheServerSaysIsOneShortLine) {
  EXPECT_EQ(said_in(R"({"status":{"error":"a\nb"}})"), "a b");
  EXPECT_EQ(said_in(R"({"status":"ok"})"), "");
  EXPECT_EQ(said_in("Must provide an API key"), "");
  const std::string said = said_in(R"({"status":{"error":"x)" + std::string(199, 'y') + "ü\"}}");
  EXPECT_EQ(said, "x" + std::string(199, 'y'));
}

}  // namespace
}  // namespace vecmill::qdrant
