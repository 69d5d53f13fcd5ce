#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "vecmill/base/quick_folder.h"
#include "vecmill/cache/level.h"

namespace vecmill::cache {

inline constexpr Time kStart{std::chrono::days(20'000)};

inline const KeyMaker& test_keys() {
  static const KeyMaker keys("a secret of tests", "fingerprint");
  return keys;
}

inline Key key_of(int n) { return test_keys()("text " + std::to_string(n)); }

/// A vector that only text `n` has; its values are exact in half precision.
inline Embedding value_of(int n, std::uint32_t dims = 4) {
  Embedding value;
  value.vector.assign(dims, 0.5F);
  for (std::uint32_t d = 0; d < dims && d < 4; ++d) {
    value.vector[d] = static_cast<float>(n >> (8 * d) & 0xFF) + 1;
  }
  value.tokens = static_cast<std::uint32_t>(n) + 2;
  value.truncated_tokens = static_cast<std::uint32_t>(n) % 3;
  return value;
}

inline bool same(const Embedding& a, const Embedding& b) {
  return a.vector == b.vector && a.tokens == b.tokens && a.truncated_tokens == b.truncated_tokens;
}

inline Status put(Level& level, int first, int last, Time now, std::uint32_t dims = 4) {
  std::vector<Embedding> values;
  for (int n = first; n < last; ++n) values.push_back(value_of(n, dims));
  std::vector<Item> items;
  for (int n = first; n < last; ++n) items.push_back({key_of(n), &values[n - first], now});
  return level.put_many(items, now);
}

/// Which of the texts are there, each with its own vector; nullopt when one has another's.
inline std::optional<std::vector<int>> found(Level& level, int first, int last, Time now,
                                             std::uint32_t dims = 4) {
  std::vector<Key> keys;
  for (int n = first; n < last; ++n) keys.push_back(key_of(n));
  std::vector<std::optional<Hit>> values(keys.size());
  if (!level.get_many(keys, now, values)) return std::nullopt;
  std::vector<int> there;
  for (int n = first; n < last; ++n) {
    if (!values[n - first]) continue;
    if (!same(values[n - first]->value, value_of(n, dims))) return std::nullopt;
    there.push_back(n);
  }
  return there;
}

/// Text 0 is there; a key that is nearly its own finds nothing and leaves it where it is.
inline void expect_collisions_to_miss(Level& level, Time now) {
  for (const bool mac : {true, false}) {
    Key other = key_of(0);
    (mac ? other.mac[31] : other.check[3]) ^= std::byte{1};
    std::vector<std::optional<Hit>> values(1);
    ASSERT_TRUE(level.get_many({&other, 1}, now, values));
    EXPECT_FALSE(values[0]) << mac;
  }
  EXPECT_EQ(level.stats().collisions, 2u);
  EXPECT_TRUE(found(level, 0, 1, now) == std::vector<int>{0}) << "it is still its owner's";
}

inline std::vector<int> range(int first, int last) {
  std::vector<int> all;
  for (int n = first; n < last; ++n) all.push_back(n);
  return all;
}

inline std::string content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A folder of its own for each test.
class TestFolder : public testing::Test {
 protected:
  TestFolder() { std::filesystem::create_directories(folder_); }
  ~TestFolder() override { std::filesystem::remove_all(folder_); }

  const std::filesystem::path folder_ =
      quick_folder() / ("vecmill-cache-" + std::to_string(getpid()));
  const std::filesystem::path path_ = folder_ / "cache.db";
};

}  // namespace vecmill::cache
