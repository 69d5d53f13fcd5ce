#include "vecmill/qdrant/point_id.h"

#include <gtest/gtest.h>

#include <set>

namespace vecmill::qdrant {
namespace {

constexpr const char* kUuid = "0b6ec5bd-59c4-5e42-8a21-6a1e0b1c6f11";

TEST(PointIdTest, WhatQdrantCanHaveStaysAsItIs) {
  for (const char* id : {"0", "42", "18446744073709551615", kUuid}) EXPECT_EQ(point_id(id), id);
  EXPECT_EQ(point_json("42"), "42");
  EXPECT_EQ(point_json(kUuid), "\"" + std::string(kUuid) + "\"");
}

TEST(PointIdTest, AnythingElseBecomesAUuidOfItsOwn) {
  std::set<std::string> seen;
  for (const char* id :
       {"", "00", "042", "-1", "+1", " 1", "1 ", "18446744073709551616", "4.2", "a",
        "0B6EC5BD-59C4-5E42-8A21-6A1E0B1C6F11", "record", "0b6ec5bd59c45e428a216a1e0b1c6f11",
        "0b6ec5bd-59c4-5e42-8a21-6a1e0b1c6f1g"}) {
    const std::string point = point_id(id);
    EXPECT_NE(point, id) << "Qdrant would take it for another, or for none";
    EXPECT_EQ(point_id(point), point) << "is a UUID itself";
    EXPECT_EQ(point[14], '5');
    EXPECT_NE(std::string("89ab").find(point[19]), std::string::npos);
    EXPECT_TRUE(seen.insert(point).second) << id;
  }
  EXPECT_FALSE(seen.contains(record_point()));
}

TEST(PointIdTest, StaysTheSameForever) {
  EXPECT_EQ(point_id("notes/1"), "98e729fe-e423-5c9e-aafa-f0305b8cb6f2");
  EXPECT_EQ(record_point(), "9082df23-57e2-5f88-ace4-168d53fa2409");
}

}  // namespace
}  // namespace vecmill::qdrant
