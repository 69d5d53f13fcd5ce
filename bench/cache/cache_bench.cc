// What a look-up in the cache costs: cache_bench [rows of the file] [folder]
// Texts of 500 bytes, vectors of 1,024 numbers; keys are made within the measured time. One thread.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/base/check.h"
#include "vecmill/base/resources.h"
#include "vecmill/cache/cache.h"
#include "vecmill/cache/memory_level.h"
#include "vecmill/cache/sqlite_level.h"

namespace vecmill::bench {
namespace {

namespace fs = std::filesystem;
using cache::Hit;
using cache::Key;
using cache::KeyMaker;
using cache::Level;
using Clock = std::chrono::steady_clock;

constexpr std::uint32_t kDims = 1024;
constexpr std::size_t kTextBytes = 500;
constexpr std::size_t kBatch = 256;
constexpr std::size_t kMemoryRows = 50'000;
constexpr std::size_t kUnsorted = 200'000;
constexpr int kRounds = 5;
constexpr cache::Time kNow{std::chrono::days(20'000)};

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

const KeyMaker& keys() {
  static const KeyMaker maker("a secret of this bench", "fingerprint");
  return maker;
}

std::string text_of(std::size_t n) {
  std::string text = std::to_string(n) + " ";
  while (text.size() < kTextBytes) text += "some words of a text and ";
  text.resize(kTextBytes);
  return text;
}

/// Random texts out of the first `rows`, `count` of them.
std::vector<std::string> pick(std::size_t rows, std::size_t count, unsigned seed) {
  std::mt19937_64 random(seed);
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < count; ++i) texts.push_back(text_of(random() % rows));
  return texts;
}

void fill(Level& level, std::size_t rows) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<Embedding> values(kBatch);
  for (Embedding& value : values) {
    value.vector.resize(kDims);
    for (float& number : value.vector) number = normal(random) / 32;
  }
  std::vector<Key> all;
  all.reserve(rows);
  for (std::size_t n = 0; n < rows; ++n) all.push_back(keys()(text_of(n)));
  if (rows > kUnsorted) {  // as they come they would take an hour to put
    std::sort(all.begin(), all.end(), [](const Key& a, const Key& b) {
      return static_cast<std::int64_t>(a.prefix()) < static_cast<std::int64_t>(b.prefix());
    });
  }
  for (std::size_t first = 0; first < rows; first += kBatch) {
    std::vector<cache::Item> items;
    for (std::size_t n = first; n < std::min(rows, first + kBatch); ++n) {
      items.push_back({all[n], &values[n - first], kNow});
    }
    VECMILL_CHECK(level.put_many(items, kNow).has_value());
  }
}

void report(const char* what, std::vector<double> per_second, const char* unit) {
  std::sort(per_second.begin(), per_second.end());
  std::printf("%-44s %10.0f %s (%.0f to %.0f)\n", what, per_second[per_second.size() / 2], unit,
              per_second.front(), per_second.back());
}

/// Hits per second in batches, by the clock and by the time of the core.
void measure_batches(const char* what, std::size_t rows, std::size_t count,
                     const std::function<std::size_t(cache::Cache::Texts)>& get) {
  std::vector<double> by_clock, by_core;
  for (int round = 0; round < kRounds; ++round) {
    const auto texts = pick(rows, count, static_cast<unsigned>(round));
    const std::vector<std::string_view> views(texts.begin(), texts.end());
    std::size_t hits = 0;
    const auto start = Clock::now();
    const double core = thread_seconds();
    for (std::size_t first = 0; first < count; first += kBatch) {
      hits += get(std::span(views).subspan(first, std::min(kBatch, count - first)));
    }
    by_core.push_back(static_cast<double>(hits) / (thread_seconds() - core));
    by_clock.push_back(static_cast<double>(hits) / seconds_since(start));
    VECMILL_CHECK(hits == count);
  }
  report(what, by_clock, "hits/s");
  report("  per second of the core's time", by_core, "hits/s");
}

std::size_t get_from(Level& level, cache::Cache::Texts texts) {
  std::vector<Key> wanted;
  wanted.reserve(texts.size());
  for (const std::string_view text : texts) wanted.push_back(keys()(text));
  std::vector<std::optional<Hit>> found(texts.size());
  VECMILL_CHECK(level.get_many(wanted, kNow, found).has_value());
  return static_cast<std::size_t>(
      std::count_if(found.begin(), found.end(), [](const auto& hit) { return hit.has_value(); }));
}

std::size_t get_from(cache::Cache& cache, cache::Cache::Texts texts) {
  const auto answers =
      cache.get_or_make(keys(), texts, kNow, [](cache::Cache::Texts missing, const Keep&) {
        return std::vector<Result<Embedding>>(missing.size(), Embedding{});
      });
  return static_cast<std::size_t>(
      std::count_if(answers.begin(), answers.end(), [](const auto& answer) { return answer.hit; }));
}

/// The median and the p99 of each round, in microseconds.
class Latencies {
 public:
  void end_round(std::vector<double> micros) {
    std::sort(micros.begin(), micros.end());
    p50_.push_back(micros[micros.size() / 2]);
    p99_.push_back(micros[micros.size() * 99 / 100]);
    longest_ = std::max(longest_, micros.back());
  }

  void report(const char* what) {
    std::sort(p50_.begin(), p50_.end());
    std::sort(p99_.begin(), p99_.end());
    std::printf("%-44s p50 %.1f us, p99 %.1f us (%.1f to %.1f), max %.1f us\n", what,
                p50_[p50_.size() / 2], p99_[p99_.size() / 2], p99_.front(), p99_.back(), longest_);
  }

 private:
  std::vector<double> p50_, p99_;
  double longest_ = 0;
};

/// One text at a time, in rounds of `count`, by the clock and by the time of the core: other
/// programs that want the core do not count in the second.
void measure_single(const char* what, Level& level, std::size_t rows, std::size_t count,
                    int rounds) {
  Latencies by_clock, by_core;
  for (int round = 0; round < rounds; ++round) {
    const auto texts = pick(rows, count, 99 + static_cast<unsigned>(round));
    std::vector<double> clock, core;
    for (const std::string& text : texts) {
      const std::string_view view = text;
      const auto start = Clock::now();
      const double used = thread_seconds();
      VECMILL_CHECK(get_from(level, {&view, 1}) == 1);
      core.push_back(1e6 * (thread_seconds() - used));
      clock.push_back(1e6 * seconds_since(start));
    }
    by_clock.end_round(std::move(clock));
    by_core.end_round(std::move(core));
  }
  by_clock.report(what);
  by_core.report("  of the core's time");
}

void measure_memory() {
  const auto bytes = std::uint64_t{1} << 30;
  std::vector<std::unique_ptr<Level>> levels;
  levels.push_back(std::move(cache::make_memory_level({.max_bytes = bytes}).value()));
  Level& level = *levels.front();
  fill(level, kMemoryRows);
  measure_batches("memory level", kMemoryRows, 200'000,
                  [&](cache::Cache::Texts texts) { return get_from(level, texts); });
  cache::Cache cache(std::move(levels), cache::Store::kF32);
  measure_batches("memory, get_or_make", kMemoryRows, 200'000,
                  [&](cache::Cache::Texts texts) { return get_from(cache, texts); });
}

/// Takes a closed file out of the page cache.
void forget(const fs::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY);
  VECMILL_CHECK(fd >= 0);
  ::fsync(fd);
  ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  ::close(fd);
}

void measure_file(const cache::SqliteOptions& options, std::size_t rows) {
  auto open = [&] { return std::move(cache::SqliteLevel::open(options).value()); };
  auto level = open();
  const auto start = Clock::now();
  fill(*level, rows);
  report("put", {static_cast<double>(rows) / seconds_since(start)}, "rows/s");
  level.reset();
  level = open();
  std::printf("%-44s %10.1f MiB\n", "size on disk",
              static_cast<double>(level->stats().bytes) / (1 << 20));
  const std::size_t count = std::min<std::size_t>(rows, 100'000);
  measure_batches("hits in batches of 256", rows, count,
                  [&](cache::Cache::Texts texts) { return get_from(*level, texts); });
  measure_single("one look-up, page cache warm", *level, rows, count / kRounds, kRounds);
  level.reset();
  forget(options.path);
  level = open();
  measure_single("one look-up, page cache cold", *level, rows, std::min<std::size_t>(rows, 2000),
                 1);
}

int run(int argc, char** argv) {
  const std::size_t rows = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 50'000;
  const fs::path folder = argc > 2 ? fs::path(argv[2]) : fs::temp_directory_path();
  if (rows == 0) {
    std::fprintf(stderr, "usage: cache_bench [rows of the file] [folder]\n");
    return 2;
  }
  fs::create_directories(folder);
  measure_memory();
  for (const bool sealed : {false, true}) {
    for (const cache::Store store : {cache::Store::kF32, cache::Store::kF16}) {
      if (rows > kUnsorted && (sealed || store == cache::Store::kF16)) continue;  // takes long
      const fs::path path = folder / ("cache_bench_" + std::to_string(::getpid()) + ".db");
      std::printf("\nfile of %zu rows, %s%s\n", rows, store == cache::Store::kF16 ? "f16" : "f32",
                  sealed ? ", encrypted" : "");
      measure_file({.path = path,
                    .max_bytes = std::uint64_t{100} << 30,
                    .store = store,
                    .encryption_key = sealed ? std::string(32, 'k') : std::string()},
                   rows);
      fs::remove(path);
      fs::remove(path.string() + ".lock");
    }
  }
  return 0;
}

}  // namespace
}  // namespace vecmill::bench

int main(int argc, char** argv) { return vecmill::bench::run(argc, argv); }
