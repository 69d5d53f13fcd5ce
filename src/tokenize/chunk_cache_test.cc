#include "vecmill/tokenize/chunk_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace vecmill::tokenize {
namespace {

using testing::ElementsAre;
using Kind = ChunkCache::Kind;

ChunkCache::Key key(std::string_view chunk) { return ChunkCache::key(chunk, chunk.size(), {}); }

TEST(ChunkCache, AKeyIsItsBytesWhateverStandsBehindThem) {
  const std::string text = " one two three four five six seven";
  for (std::size_t size = 1; size <= ChunkCache::kMostBytes; ++size) {
    const std::string_view chunk = std::string_view(text).substr(0, size);
    EXPECT_EQ(ChunkCache::key(chunk, text.size(), Kind::kChunk), key(chunk));
    EXPECT_FALSE(key(chunk) == key(std::string_view(text).substr(0, size - 1)));
  }
  EXPECT_FALSE(key("a") == key(std::string_view("a\0", 2)));
  EXPECT_FALSE(key("a") == ChunkCache::key("a", 1, Kind::kWord));
}

TEST(ChunkCache, GivesBackWhatItWasTold) {
  ChunkCache cache;
  std::vector<TokenId> ids{7};
  EXPECT_FALSE(cache.append(key("a"), ids));
  cache.insert(key("a"), std::vector<TokenId>{1, 2});
  cache.insert(key("nothing"), {});
  EXPECT_TRUE(cache.append(key("a"), ids));
  EXPECT_TRUE(cache.append(key("nothing"), ids));
  EXPECT_THAT(ids, ElementsAre(7, 1, 2));
}

TEST(ChunkCache, WhatHasTooManyTokensIsNotKept) {
  ChunkCache cache;
  cache.insert(key("a"), std::vector<TokenId>(ChunkCache::kMostTokens + 1));
  std::vector<TokenId> ids;
  EXPECT_FALSE(cache.append(key("a"), ids));
}

TEST(ChunkCache, ForgetsButNeverMixesUp) {
  ChunkCache cache;
  constexpr TokenId kMany = 100000;
  int found = 0;
  for (TokenId id = 0; id < kMany; ++id) cache.insert(key(std::to_string(id)), std::array{id});
  for (TokenId id = 0; id < kMany; ++id) {
    std::vector<TokenId> ids;
    if (!cache.append(key(std::to_string(id)), ids)) continue;
    ++found;
    EXPECT_THAT(ids, ElementsAre(id));
  }
  EXPECT_GT(found, 1000);
  EXPECT_LT(found, kMany);
}

}  // namespace
}  // namespace vecmill::tokenize
