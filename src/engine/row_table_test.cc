#include "vecmill/engine/row_table.h"

#include <gtest/gtest.h>

#include <string>

#include "vecmill/base/hash.h"

namespace vecmill::engine {
namespace {

using enum RowTable::Found;

std::string hash_of(int i) { return sha256_hex("text " + std::to_string(i)); }

TEST(RowTableTest, ARowIsFoundByItsIdAndToldByItsText) {
  RowTable table;
  constexpr int kRows = 20'000;
  for (int i = 0; i < kRows; ++i) table.add("id" + std::to_string(i), hash_of(i));
  EXPECT_EQ(table.size(), kRows);
  for (int i = 0; i < kRows; ++i) {
    const std::string id = "id" + std::to_string(i);
    ASSERT_EQ(table.find(id, hash_of(i)), kSame) << i;
    ASSERT_EQ(table.find(id, hash_of(i + 1)), kOther) << i;
    ASSERT_EQ(table.find(id, {}), kSame) << i;
    ASSERT_EQ(table.find(id + "x", hash_of(i)), kNot) << i;
  }
  EXPECT_EQ(table.met(), 0U);
}

TEST(RowTableTest, WhatNoRecordMetIsAlone) {
  RowTable table;
  for (int i = 0; i < 3000; ++i) table.add(std::to_string(i), hash_of(i));
  for (int i = 0; i < 3000; i += 2) {
    EXPECT_EQ(table.meet(std::to_string(i), hash_of(i % 3 == 0 ? i : -1)),
              i % 3 == 0 ? kSame : kOther);
    EXPECT_EQ(table.meet(std::to_string(i), hash_of(i)), kSame);
  }
  EXPECT_EQ(table.met(), 1500U);
  for (int i = 0; i < 3000; ++i) EXPECT_EQ(table.is_alone(std::to_string(i)), i % 2 == 1) << i;
  EXPECT_FALSE(table.is_alone("another"));
  EXPECT_EQ(table.meet("another", {}), kNot);
  EXPECT_EQ(table.met(), 1500U);
}

TEST(RowTableTest, ARowOfAnUnknownTextIsOfNone) {
  RowTable table;
  table.add("a", {});
  EXPECT_EQ(table.find("a", hash_of(1)), kOther);
  EXPECT_EQ(table.find("a", std::string(64, '0')), kOther);
  EXPECT_EQ(table.find("a", {}), kSame);
  table.add("a", hash_of(1));
  EXPECT_EQ(table.find("a", hash_of(1)), kSame);
  EXPECT_EQ(table.size(), 1U);
}

}  // namespace
}  // namespace vecmill::engine
