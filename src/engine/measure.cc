#include "vecmill/measure.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <functional>
#include <random>

#include "vecmill/base/resources.h"
#include "vecmill/encode/isa.h"
#include "vecmill/encode/kernels/kernels.h"
#include "vecmill/encode/multiply_peak.h"
#include "vecmill/engine/dtype.h"
#include "vecmill/engine/embed_window.h"
#include "vecmill/engine/open_model.h"

namespace vecmill {
namespace {

using engine::WorkerPool;

constexpr std::array kWords = {"time",   "people", "water",  "house", "world", "school",
                               "family", "light",  "place",  "story", "night", "point",
                               "river",  "music",  "number", "paper"};
constexpr std::array<std::uint32_t, 7> kLengths = {8, 16, 32, 64, 128, 256, 512};
constexpr std::array<std::uint32_t, 5> kBatchSizes = {0, 1, 8, 32, 128};
constexpr int kRounds = 5;
constexpr std::size_t kCalls = 21;     ///< of one text
constexpr double kRoundSeconds = 0.5;  ///< that one pass over the mixed texts shall take
constexpr std::uint32_t kLongestMixed = 500;
constexpr double kNoise = 0.05;

double seconds(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double at_share(std::vector<double>& times, double share) {
  std::ranges::sort(times);
  return times[static_cast<std::size_t>(share * static_cast<double>(times.size() - 1))];
}

/// 0, what is chosen by tokens, unless another is faster by more than both of them waver.
std::uint32_t best_batch_size(const std::vector<Throughput>& rows) {
  const Throughput& usual = rows.front();
  const auto best = std::ranges::max_element(rows, {}, &Throughput::tokens_per_second);
  const double noise = std::max({kNoise, usual.spread / 2, best->spread / 2});
  return best->tokens_per_second > usual.tokens_per_second * (1 + noise) ? best->batch_size : 0;
}

/// Multiplications alone, in these numbers.
auto multiplications(const encode::Kernels& kernels, std::string_view dtype) {
  if (dtype == name(engine::Dtype::kF32)) return kernels.multiply_adds;
  return dtype == name(engine::Dtype::kBf16) ? kernels.pair_multiply_adds
                                             : kernels.byte_multiply_adds;
}

class Bench {
 public:
  Bench(Provider& provider, WorkerPool& pool, encode::Isa isa, std::stop_token stop)
      : provider_(provider), pool_(pool), isa_(isa), stop_(std::move(stop)) {}

  Result<Measurement> run() {
    Measurement found;
    found.space = provider_.capabilities({}).space;
    found.threads = static_cast<std::uint32_t>(pool_.size());
    found.isa = name(isa_);
    if (provider_.operations(1) > 0) {
      found.limit_dtype = engine::dtype_of(found.space.arithmetic);
      limit_ = found.limit = encode::multiply_peak(
          multiplications(encode::kernels(isa_), found.limit_dtype), found.threads);
    }
    const std::uint32_t most =
        found.space.max_tokens > 0 ? found.space.max_tokens : kLengths.back();
    for (const std::uint32_t length : kLengths) {
      if (length > most && !found.latencies.empty()) break;
      VECMILL_ASSIGN(found.latencies.emplace_back(), latency(std::min(length, most)));
    }
    VECMILL_TRY(make_texts(std::min(most, kLongestMixed), found.latencies.back()));
    found.mean_tokens = tokens_ / static_cast<double>(texts_.size());
    VECMILL_ASSIGN(found.throughputs, throughput());
    found.best_batch_size = best_batch_size(found.throughputs);
    return found;
  }

 private:
  /// A text of `length` tokens, special ones included, or of the fewest above that; shorter where
  /// more words make no more tokens (a model may drop what it does not know).
  Result<std::string> text_of(std::uint32_t length) {
    std::string text = kWords[random_() % kWords.size()];
    VECMILL_ASSIGN(std::uint32_t tokens, provider_.count_tokens(text, Role::kDocument));
    while (tokens < length) {
      for (std::uint32_t missing = tokens; missing < length; ++missing) {
        text.append(" ").append(kWords[random_() % kWords.size()]);
      }
      VECMILL_ASSIGN(const std::uint32_t longer, provider_.count_tokens(text, Role::kDocument));
      if (longer <= tokens) break;
      tokens = longer;
    }
    return text;
  }

  Result<Latency> latency(std::uint32_t length) {
    VECMILL_ASSIGN(const std::string text, text_of(length));
    const std::string_view view = text;
    std::vector<double> times;
    Latency found;
    for (std::size_t call = 0; call <= kCalls; ++call) {
      if (stop_.stop_requested()) return cancelled();
      std::vector<Result<Embedding>> results;
      const double taken = seconds([&] { results = provider_.embed({&view, 1}, {}); });
      if (!results[0]) return results[0].error();
      found.tokens = results[0]->tokens;
      if (call > 0) times.push_back(taken);
    }
    found.median = at_share(times, 0.5);
    found.p95 = at_share(times, 0.95);
    found.share_of_limit = share(provider_.operations(found.tokens), found.median);
    return found;
  }

  /// As many texts as one pass shall have, of lengths as documents have them.
  Status make_texts(std::uint32_t most, const Latency& seen) {
    const double wanted = std::clamp(seen.tokens / seen.median * kRoundSeconds, 2000.0, 100000.0);
    std::lognormal_distribution<double> lengths(4.65, 0.7);
    const auto longest = static_cast<double>(most);
    while (tokens_ < wanted) {
      const double length = std::clamp(lengths(random_), std::min(8.0, longest), longest);
      VECMILL_ASSIGN(std::string text, text_of(static_cast<std::uint32_t>(length)));
      VECMILL_ASSIGN(const std::uint32_t count, provider_.count_tokens(text, Role::kDocument));
      const std::uint32_t tokens = std::min(count, most);
      tokens_ += tokens;
      operations_ += provider_.operations(tokens);
      texts_.push_back({{}, std::move(text), {}});
    }
    return {};
  }

  Result<std::vector<Throughput>> throughput() {
    std::vector<std::vector<double>> times(kBatchSizes.size());
    for (int round = 0; round < kRounds; ++round) {
      for (std::size_t i = 0; i < kBatchSizes.size(); ++i) {
        if (stop_.stop_requested()) return cancelled();
        EmbedJob job;
        job.batch_size = kBatchSizes[i];
        std::vector<Result<Embedding>> results;
        times[i].push_back(
            seconds([&] { results = engine::embed_records(texts_, job, provider_, pool_); }));
        for (const auto& result : results) {
          if (!result) return result.error();
        }
      }
    }
    std::vector<Throughput> found;
    for (std::size_t i = 0; i < kBatchSizes.size(); ++i) {
      const double median = at_share(times[i], 0.5);
      found.push_back({kBatchSizes[i], tokens_ / median,
                       static_cast<double>(texts_.size()) / median,
                       (times[i].back() - times[i].front()) / median, share(operations_, median)});
    }
    return found;
  }

  [[nodiscard]] double share(double operations, double taken) const {
    return limit_ > 0 ? operations / taken / limit_ : 0;
  }

  static Error cancelled() { return make_error(ErrorKind::kCancelled, "interrupted"); }

  Provider& provider_;
  WorkerPool& pool_;
  const encode::Isa isa_;
  const std::stop_token stop_;
  std::mt19937 random_{1};
  std::vector<Record> texts_;
  double tokens_ = 0, operations_ = 0;  ///< of all texts_
  double limit_ = 0;
};

}  // namespace

Result<Measurement> measure(const ModelOptions& options, const std::stop_token& stop) {
  const std::uint32_t threads = options.threads > 0 ? options.threads : usable_cores();
  VECMILL_ASSIGN(const engine::OpenedModel opened, engine::open_model(options, threads));
  const auto& provider = opened.provider;
  if (provider->capabilities({}).remote) {
    return make_error(ErrorKind::kUnsupported, "a model behind an API costs money to measure",
                      options.model, "name a model that runs here");
  }
  VECMILL_ASSIGN(const encode::Isa isa, encode::choose_isa());
  WorkerPool pool(threads);
  VECMILL_ASSIGN(Measurement found, Bench(*provider, pool, isa, stop).run());
  found.peak_rss_bytes = peak_rss_bytes();
  return found;
}

}  // namespace vecmill
