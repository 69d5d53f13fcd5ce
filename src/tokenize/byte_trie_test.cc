#include "vecmill/tokenize/byte_trie.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

namespace vecmill::tokenize {
namespace {

using testing::ElementsAre;
using testing::Pair;
using Found = std::vector<std::pair<std::size_t, std::int32_t>>;

Found prefixes(const ByteTrie& trie, std::string_view text) {
  Found found;
  trie.prefixes(text, [&](std::size_t length, std::int32_t id) { found.emplace_back(length, id); });
  return found;
}

TEST(ByteTrie, FindsPrefixesFromTheShortest) {
  const ByteTrie trie({{"a", 1}, {"abc", 2}, {"ab", 3}, {"b", 4}, {"ab", 5}, {"", 6}});
  EXPECT_THAT(prefixes(trie, "abd"), ElementsAre(Pair(1, 1), Pair(2, 5)));
  EXPECT_EQ(trie.longest("abcd")->value, 2);
  EXPECT_FALSE(trie.longest("c"));
  EXPECT_FALSE(trie.longest(""));
  EXPECT_FALSE(ByteTrie().longest("a"));
}

TEST(ByteTrie, FindsWhatAMapFinds) {
  std::mt19937 random(1);
  const auto word = [&] {
    std::string text(1 + random() % 6, ' ');
    for (char& c : text)
      c = static_cast<char>(random() % 8 == 0 ? random() % 256 : 'a' + random() % 4);
    return text;
  };
  std::map<std::string, std::int32_t> map;
  for (std::int32_t id = 0; id < 5000; ++id) map[word()] = id;
  std::vector<ByteTrie::Entry> entries;
  for (const auto& [key, id] : map) entries.push_back({key, id});
  const ByteTrie trie(entries);
  for (int i = 0; i < 20000; ++i) {
    const std::string text = word() + word();
    Found expected;
    for (std::size_t length = 1; length <= text.size(); ++length) {
      const auto found = map.find(text.substr(0, length));
      if (found != map.end()) expected.emplace_back(length, found->second);
    }
    ASSERT_EQ(prefixes(trie, text), expected);
  }
}

}  // namespace
}  // namespace vecmill::tokenize
