#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string_view>
#include <vector>

#include "vecmill/cache/flights.h"
#include "vecmill/cache/key.h"
#include "vecmill/cache/leases.h"
#include "vecmill/cache/level.h"
#include "vecmill/cache/row.h"

namespace vecmill::cache {

/// Levels in front of what makes vectors, each optional, the quickest first. Safe from any thread.
///
/// A level that cannot be read or written now costs hits and nothing else: `failures` counts it.
class Cache {
 public:
  /// `store`: as the levels keep numbers, so that hits and misses have the same bits.
  /// `leases`: where other processes are asked whether they make a text already; null: nowhere.
  Cache(std::vector<std::unique_ptr<Level>> levels, Store store,
        std::shared_ptr<Leases> leases = {});

  struct Answer {
    Result<Embedding> value;
    Key key;              ///< what names this text in results: tells nothing of it
    bool hit = false;     ///< a level had it
    bool shared = false;  ///< made for an equal text: of this batch, or of another thread
  };
  using Texts = std::span<const std::string_view>;
  /// One result per text, in order; one bad text fails alone. What `keep` is told meanwhile is in
  /// the levels when that returns, the rest when the caller has its answers.
  using Make = std::function<std::vector<Result<Embedding>>(Texts missing, const Keep& keep)>;

  /// One answer per text, in order. `make` gets each distinct missing text once, in the order of
  /// its first place, whatever other threads ask for meanwhile; when another thread was asked
  /// first and failed, this one tries itself. Failures are never kept. `stop` ends waiting for
  /// other processes.
  std::vector<Answer> get_or_make(const KeyMaker& keys, Texts texts, Time now, const Make& make,
                                  const std::stop_token& stop = {});

  struct Stats {
    std::vector<LevelStats> levels;
    std::uint64_t texts = 0;            ///< asked for
    std::uint64_t duplicates = 0;       ///< of them, texts that stood in the same batch before
    std::uint64_t joined = 0;           ///< of them, made by another thread that was first
    std::uint64_t made = 0;             ///< given to `make`
    std::uint64_t failures = 0;         ///< calls of a level that failed
    std::optional<Error> failure = {};  ///< the last of them
    std::vector<std::optional<Error>> failure_of = {};  ///< [levels] the last one of each
  };
  [[nodiscard]] Stats stats();

 private:
  struct Batch;

  void look_up(Batch& batch, std::span<const std::size_t> places);
  void keep(std::span<const Item> items, Time now, std::size_t levels);
  void keep_early(Batch& batch, std::span<const Arrival> arrived);
  void make_or_join(Batch& batch, std::span<const std::size_t> missing, std::uint64_t landed);
  void make(Batch& batch, std::span<const std::size_t> places);
  void make_leased(Batch& batch, std::span<const std::size_t> places);
  void make_here(Batch& batch, std::span<const std::size_t> places);
  bool round(Embedding& value) const;
  void note(std::size_t level, const Status& done);

  std::vector<std::unique_ptr<Level>> levels_;
  const Store store_;
  Flights flights_;
  const std::shared_ptr<Leases> leases_;
  struct Counts {
    std::atomic<std::uint64_t> texts = 0;
    std::atomic<std::uint64_t> duplicates = 0;
    std::atomic<std::uint64_t> joined = 0;
    std::atomic<std::uint64_t> made = 0;
    std::atomic<std::uint64_t> failures = 0;
  };
  Counts counts_;
  std::mutex failure_mutex_;
  std::optional<Error> failure_;
  std::vector<std::optional<Error>> failure_of_;  // [levels]
};

}  // namespace vecmill::cache
