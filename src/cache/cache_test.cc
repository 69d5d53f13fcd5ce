#include "vecmill/cache/cache.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <latch>
#include <limits>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>

#include "vecmill/cache/memory_level.h"
#include "vecmill/cache/sqlite_level.h"
#include "vecmill/cache/testing.h"

namespace vecmill::cache {
namespace {

using Results = std::vector<Result<Embedding>>;

std::string text_of(int n) { return "text " + std::to_string(n); }
int number_of(std::string_view text) { return std::stoi(std::string(text.substr(5))); }

/// Makes the vector of each text and counts what it was asked for. Texts in `bad` fail.
struct Maker {
  std::mutex mutex;
  std::map<int, int> asked;
  std::set<int> bad;
  int calls = 0;

  Results operator()(Cache::Texts texts) {
    const std::lock_guard lock(mutex);
    ++calls;
    Results results;
    for (const std::string_view text : texts) {
      const int n = number_of(text);
      ++asked[n];
      if (bad.contains(n)) {
        results.push_back(make_error(ErrorKind::kTooLong, "bad " + std::to_string(n)));
      } else {
        results.push_back(value_of(n));
      }
    }
    return results;
  }
};

class CacheTest : public TestFolder {
 protected:
  Cache make_cache(bool memory, bool file, Store store = Store::kF32) {
    std::vector<std::unique_ptr<Level>> levels;
    if (memory) levels.push_back(std::move(make_memory_level({}).value()));
    if (file) {
      levels.push_back(std::move(SqliteLevel::open({.path = path_, .store = store}).value()));
    }
    return Cache(std::move(levels), store);
  }

  std::vector<Cache::Answer> get(Cache& cache, const std::vector<int>& numbers) {
    std::vector<std::string> texts;
    texts.reserve(numbers.size());
    for (const int n : numbers) texts.push_back(text_of(n));
    const std::vector<std::string_view> views(texts.begin(), texts.end());
    return cache.get_or_make(test_keys(), views, kStart,
                             [this](Cache::Texts missing, const Keep&) { return maker_(missing); });
  }

  /// Each answer is its own text's.
  void expect_right(const std::vector<Cache::Answer>& answers, const std::vector<int>& numbers) {
    ASSERT_EQ(answers.size(), numbers.size());
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      EXPECT_EQ(answers[i].key, key_of(numbers[i]));
      if (maker_.bad.contains(numbers[i])) {
        ASSERT_FALSE(answers[i].value);
        EXPECT_EQ(answers[i].value.error().message, "bad " + std::to_string(numbers[i]));
      } else {
        ASSERT_TRUE(answers[i].value);
        EXPECT_TRUE(same(*answers[i].value, value_of(numbers[i]))) << i;
      }
    }
  }

  Maker maker_;
};

TEST_F(CacheTest, HitsMissesAndDuplicatesKeepTheirOrder) {
  for (const auto& [memory, file] : {std::pair(true, false), {false, true}, {true, true}}) {
    maker_.asked.clear();
    Cache cache = make_cache(memory, file);
    expect_right(get(cache, {1, 2, 3}), {1, 2, 3});
    const std::vector<int> mixed = {7, 2, 7, 1, 8, 2, 9, 7};
    const auto answers = get(cache, mixed);
    expect_right(answers, mixed);
    for (std::size_t i = 0; i < mixed.size(); ++i) EXPECT_EQ(answers[i].hit, mixed[i] < 4);
    for (const auto& [n, times] : maker_.asked) EXPECT_EQ(times, 1) << n;
    EXPECT_EQ(cache.stats().duplicates, 3u);
    EXPECT_EQ(cache.stats().made, 6u);
    std::filesystem::remove(path_);
  }
}

TEST_F(CacheTest, AFileAnswersAfterAnotherStartAndFillsTheMemory) {
  {
    Cache cache = make_cache(true, true);
    get(cache, {1, 2, 3});
  }
  Cache cache = make_cache(true, true);
  expect_right(get(cache, {3, 1, 2}), {3, 1, 2});
  expect_right(get(cache, {3, 1, 2}), {3, 1, 2});
  EXPECT_EQ(maker_.calls, 1);
  EXPECT_EQ(cache.stats().levels[0].hits, 3u);
  EXPECT_EQ(cache.stats().levels[1].hits, 3u);
}

TEST_F(CacheTest, AVectorIsNotYoungerInAnotherLevel) {
  std::vector<std::unique_ptr<Level>> levels;
  levels.push_back(std::move(make_memory_level({.ttl = std::chrono::seconds(100)}).value()));
  levels.push_back(std::move(make_memory_level({.ttl = std::chrono::seconds(100)}).value()));
  ASSERT_TRUE(put(*levels[1], 0, 1, kStart));
  Cache cache(std::move(levels), Store::kF32);
  int made = 0;
  const auto hit_at = [&](int seconds) {
    const std::string text = text_of(0);
    const std::string_view view = text;
    const auto answers =
        cache.get_or_make(test_keys(), {&view, 1}, kStart + std::chrono::seconds(seconds),
                          [&](Cache::Texts, const Keep&) {
                            ++made;
                            return Results{value_of(0)};
                          });
    return answers[0].hit;
  };
  EXPECT_TRUE(hit_at(60));
  EXPECT_FALSE(hit_at(100));
  EXPECT_TRUE(hit_at(199));
  EXPECT_EQ(made, 1);
  EXPECT_FALSE(hit_at(200));
  EXPECT_EQ(made, 2) << "and what was made once is made again";
}

TEST_F(CacheTest, AnErrorIsItsTextsAloneAndIsNeverKept) {
  Cache cache = make_cache(true, true);
  maker_.bad = {2};
  expect_right(get(cache, {1, 2, 3, 2}), {1, 2, 3, 2});
  EXPECT_EQ(maker_.asked[2], 1);
  maker_.bad = {};
  expect_right(get(cache, {1, 2, 3}), {1, 2, 3});
  EXPECT_EQ(maker_.asked[2], 2);
  EXPECT_EQ(maker_.asked[1], 1);
}

TEST_F(CacheTest, WhatCannotBeKeptPassesThrough) {
  Cache cache = make_cache(true, true);
  for (int time = 0; time < 2; ++time) {
    const std::string_view text = "x";
    const auto answers =
        cache.get_or_make(test_keys(), {&text, 1}, kStart, [](Cache::Texts, const Keep&) {
          return Results{Embedding{.vector = {1}, .sparse = {{7, 0.5F}}}};
        });
    ASSERT_TRUE(answers[0].value);
    EXPECT_EQ(answers[0].value->sparse.size(), 1u);
    EXPECT_FALSE(answers[0].hit);
  }
  EXPECT_EQ(cache.stats().made, 2u);
}

TEST_F(CacheTest, AMissAndAHitHaveTheSameBitsInHalfPrecision) {
  Cache cache = make_cache(true, true, Store::kF16);
  const std::string_view text = "x";
  const auto ask = [&] {
    return *cache
                .get_or_make(test_keys(), {&text, 1}, kStart,
                             [](Cache::Texts, const Keep&) {
                               return Results{Embedding{.vector = {0.1F, 0.2F}}};
                             })[0]
                .value;
  };
  const Embedding miss = ask();
  EXPECT_TRUE(same(ask(), miss));
  EXPECT_NE(miss.vector[0], 0.1F);
  EXPECT_EQ(cache.stats().made, 1u);
}

/// Text 1 arrives while text 2 is made; text 3 cannot be kept.
TEST_F(CacheTest, WhatArrivesEarlyIsKeptAtOnceAndOnce) {
  for (const Store store : {Store::kF32, Store::kF16}) {
    Cache cache = make_cache(false, true, store);
    Embedding early = value_of(1);
    early.vector[0] = 0.1F;
    const Embedding nothing{.vector = {std::numeric_limits<float>::quiet_NaN()}};
    const std::vector<std::string> texts = {text_of(1), text_of(2), text_of(3)};
    const std::vector<std::string_view> views(texts.begin(), texts.end());
    Embedding found;
    const auto make = [&](Cache::Texts missing, const Keep& keep) {
      keep(std::vector<Arrival>{{missing[2], &nothing}, {missing[0], &early}});
      const auto level = SqliteLevel::open({.path = path_, .store = store}).value();
      std::vector<std::optional<Hit>> hit(3);
      const std::vector<Key> keys = {key_of(1), key_of(2), key_of(3)};
      EXPECT_TRUE(level->get_many(keys, kStart, hit));
      EXPECT_TRUE(hit[0] && !hit[1] && !hit[2]);
      if (hit[0]) found = hit[0]->value;
      return Results{early, value_of(2), nothing};
    };
    const auto answers = cache.get_or_make(test_keys(), views, kStart, make);
    EXPECT_TRUE(same(*answers[0].value, found)) << "a miss has the bits of a hit";
    EXPECT_EQ(answers[0].value->vector[0] == 0.1F, store == Store::kF32);
    EXPECT_TRUE(same(*answers[1].value, value_of(2)));
    EXPECT_EQ(cache.stats().levels[0].puts, 2u);
    EXPECT_EQ(cache.stats().made, 3u);
    std::filesystem::remove(path_);
  }
}

TEST_F(CacheTest, ABrokenLevelCostsHitsOnly) {
  class Broken : public Level {
    Status get_many(std::span<const Key>, Time, std::span<std::optional<Hit>>) override {
      return make_error(ErrorKind::kIo, "broken");
    }
    Status put_many(std::span<const Item>, Time) override {
      return make_error(ErrorKind::kIo, "broken");
    }
    Status clear() override { return {}; }
    LevelStats stats() override { return {}; }
  };
  std::vector<std::unique_ptr<Level>> levels;
  levels.push_back(std::make_unique<Broken>());
  Cache cache(std::move(levels), Store::kF32);
  expect_right(get(cache, {1, 2, 1}), {1, 2, 1});
  EXPECT_EQ(cache.stats().failures, 2u);
}

/// Threads that ask for overlapping texts at once: each distinct text is made once in all.
TEST_F(CacheTest, ThreadsThatMissTogetherMakeEachTextOnce) {
  for (const bool memory : {true, false}) {
    maker_.asked.clear();
    Cache cache = make_cache(memory, !memory);
    std::latch start(4);
    std::vector<std::thread> threads;
    threads.reserve(4);
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        start.arrive_and_wait();
        for (int n = 0; n < 200; n += 5) {
          const std::vector<int> numbers = {n + t, n, n + 1, n + 2, n + t};
          expect_right(get(cache, numbers), numbers);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (const auto& [n, times] : maker_.asked) EXPECT_EQ(times, 1) << n;
    EXPECT_EQ(maker_.asked.size(), 160u);
    std::filesystem::remove(path_);
  }
}

/// The leader holds until a follower waits, then fails; the follower tries itself.
TEST_F(CacheTest, WhenTheFirstFailsTheOthersTryThemselves) {
  Cache cache = make_cache(true, false);
  const std::string text = text_of(1);
  const std::string_view view = text;
  std::latch leading(1), release(1);
  std::thread leader([&] {
    const auto answers =
        cache.get_or_make(test_keys(), {&view, 1}, kStart, [&](Cache::Texts, const Keep&) {
          leading.count_down();
          release.wait();
          return Results{make_error(ErrorKind::kUnavailable, "gone")};
        });
    EXPECT_FALSE(answers[0].value);
  });
  leading.wait();
  std::thread follower([&] { expect_right(get(cache, {2, 1}), {2, 1}); });
  for (;;) {  // it makes what is its own first, then waits
    const std::lock_guard lock(maker_.mutex);
    if (maker_.asked.contains(2)) break;
  }
  EXPECT_FALSE(maker_.asked.contains(1));
  release.count_down();
  leader.join();
  follower.join();
  EXPECT_EQ(maker_.asked[1], 1);
  expect_right(get(cache, {1}), {1});
  EXPECT_EQ(maker_.asked[1], 1) << "kept";
}

TEST_F(CacheTest, AnyMixOfHitsMissesErrorsAndDuplicatesGivesEachTextItsOwn) {
  std::mt19937 random(std::getenv("VECMILL_TEST_SEED") ? std::atoi(std::getenv("VECMILL_TEST_SEED"))
                                                       : 1);
  const int rounds = std::getenv("VECMILL_TEST_DEEP") != nullptr ? 20'000 : 200;
  std::vector<std::unique_ptr<Level>> levels;  // small, so that it forgets
  levels.push_back(std::move(make_memory_level({.max_bytes = 1 << 20}).value()));
  Cache cache(std::move(levels), Store::kF32);
  for (int round = 0; round < rounds; ++round) {
    maker_.bad = {static_cast<int>(random() % 6000), static_cast<int>(random() % 6000)};
    std::vector<int> numbers(random() % 100);
    for (int& n : numbers) n = static_cast<int>(random() % 6000);
    const auto answers = get(cache, numbers);
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      ASSERT_EQ(answers[i].key, key_of(numbers[i]));
      if (!answers[i].value) {
        ASSERT_TRUE(maker_.bad.contains(numbers[i]));
      } else {
        ASSERT_TRUE(same(*answers[i].value, value_of(numbers[i])));
      }
    }
  }
}

/// Calls `after` when the first look-up is over.
class Interrupted : public Level {
 public:
  explicit Interrupted(std::function<void()> after)
      : level_(std::move(make_memory_level({}).value())), after_(std::move(after)) {}

  Status get_many(std::span<const Key> keys, Time now,
                  std::span<std::optional<Hit>> found) override {
    VECMILL_TRY(level_->get_many(keys, now, found));
    if (const auto after = std::exchange(after_, nullptr)) after();
    return {};
  }
  Status put_many(std::span<const Item> items, Time now) override {
    return level_->put_many(items, now);
  }
  Status clear() override { return level_->clear(); }
  LevelStats stats() override { return level_->stats(); }

 private:
  const std::unique_ptr<Level> level_;
  std::function<void()> after_;
};

TEST_F(CacheTest, WhatWasKeptBetweenLookUpAndCallIsNotMadeAgain) {
  Cache* shared = nullptr;
  std::vector<std::unique_ptr<Level>> levels;
  levels.push_back(std::make_unique<Interrupted>([&] {
    std::jthread([&] { get(*shared, {2, 3}); }).join();
  }));
  Cache cache(std::move(levels), Store::kF32);
  shared = &cache;
  expect_right(get(cache, {1, 2}), {1, 2});
  for (const auto& [n, times] : maker_.asked) EXPECT_EQ(times, 1) << n;
}

}  // namespace
}  // namespace vecmill::cache
