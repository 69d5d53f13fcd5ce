// Our side of compare.py: cache_worker FOLDER ROWS DIMS puts texts and vectors into a cache there
// and says how many seconds that took; for each line "SEED COUNT BATCH" it then looks up so many
// random ones of these texts and says the seconds and the hits.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/base/check.h"
#include "vecmill/cache/cache.h"
#include "vecmill/cache/sqlite_level.h"

namespace vecmill::bench {
namespace {

using Clock = std::chrono::steady_clock;
constexpr cache::Time kNow{std::chrono::days(20'000)};
constexpr std::size_t kPutBatch = 256;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// 500 bytes, as compare.py makes them.
std::string text_of(std::size_t n) {
  std::string text = std::to_string(n) + " ";
  while (text.size() < 500) text += "some words of a text and ";
  text.resize(500);
  return text;
}

class Worker {
 public:
  Worker(const std::filesystem::path& folder, std::size_t rows, std::size_t dims)
      : rows_(rows), dims_(dims), keys_("a secret of this bench", "fingerprint") {
    std::vector<std::unique_ptr<cache::Level>> levels;
    levels.push_back(std::move(cache::SqliteLevel::open({.path = folder / "cache.db"}).value()));
    cache_ = std::make_unique<cache::Cache>(std::move(levels), cache::Store::kF32);
  }

  double fill() {
    const auto start = Clock::now();
    std::vector<std::string> texts;
    for (std::size_t n = 0; n < rows_; ++n) {
      texts.push_back(text_of(n));
      if (texts.size() < kPutBatch && n + 1 < rows_) continue;
      VECMILL_CHECK(look_up(texts) == 0);
      texts.clear();
    }
    return seconds_since(start);
  }

  void turn(unsigned seed, std::size_t count, std::size_t batch) {
    std::mt19937_64 random(seed);
    std::vector<std::vector<std::string>> batches;
    for (std::size_t n = 0; n < count; ++n) {
      if (n % batch == 0) batches.emplace_back();
      batches.back().push_back(text_of(random() % rows_));
    }
    std::size_t hits = 0;
    const auto start = Clock::now();
    for (const auto& texts : batches) hits += look_up(texts);
    std::printf("%.9f %zu\n", seconds_since(start), hits);
    std::fflush(stdout);
  }

 private:
  std::size_t look_up(const std::vector<std::string>& texts) {
    const std::vector<std::string_view> views(texts.begin(), texts.end());
    const auto answers =
        cache_->get_or_make(keys_, views, kNow, [&](cache::Cache::Texts missing, const Keep&) {
          std::vector<Result<Embedding>> made;
          for (std::size_t i = 0; i < missing.size(); ++i) made.emplace_back(new_vector());
          return made;
        });
    std::size_t hits = 0;
    for (const auto& answer : answers) hits += answer.hit;
    return hits;
  }

  Embedding new_vector() {
    Embedding value;
    for (std::size_t d = 0; d < dims_; ++d) value.vector.push_back(normal_(random_) / 32);
    return value;
  }

  const std::size_t rows_, dims_;
  const cache::KeyMaker keys_;
  std::unique_ptr<cache::Cache> cache_;
  std::mt19937 random_{1};
  std::normal_distribution<float> normal_;
};

}  // namespace
}  // namespace vecmill::bench

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: cache_worker FOLDER ROWS DIMS\n");
    return 2;
  }
  vecmill::bench::Worker worker(argv[1], std::strtoull(argv[2], nullptr, 10),
                                std::strtoull(argv[3], nullptr, 10));
  std::printf("%.9f 0\n", worker.fill());
  std::fflush(stdout);
  unsigned seed = 0;
  std::size_t count = 0, batch = 0;
  while (std::cin >> seed >> count >> batch) worker.turn(seed, count, batch);
  return 0;
}
