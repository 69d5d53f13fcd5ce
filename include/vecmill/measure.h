#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "vecmill/engine.h"
#include "vecmill/result.h"

namespace vecmill {

/// One text at a time over all threads, warm. Seconds.
struct Latency {
  std::uint32_t tokens = 0;
  double median = 0, p95 = 0;
  double share_of_limit = 0;
};

/// Texts of mixed length over all threads.
struct Throughput {
  std::uint32_t batch_size = 0;  ///< texts; 0: chosen by tokens
  double tokens_per_second = 0;  ///< median of the rounds
  double texts_per_second = 0;
  double spread = 0;  ///< (slowest - fastest round) / median
  double share_of_limit = 0;
};

/// What a model reaches on this machine, tokenizer included.
struct Measurement {
  SpaceInfo space;
  std::string isa;
  std::uint32_t threads = 0;
  double limit = 0;  ///< multiplications and additions a second; 0: not known
  std::string
      limit_dtype;         ///< in which numbers: the model's, "f32", "bf16", "int8", "int8-compact"
  double mean_tokens = 0;  ///< of the mixed texts
  std::vector<Latency> latencies;
  std::vector<Throughput> throughputs;
  std::uint32_t best_batch_size = 0;  ///< 0 unless another is faster beyond the noise
  std::uint64_t peak_rss_bytes = 0;
};

/// Takes some ten seconds; the texts are made up of common words, the same in every run.
///   errors  as Engine::open; kCancelled when `stop` is requested
Result<Measurement> measure(const ModelOptions& options, const std::stop_token& stop = {});

}  // namespace vecmill
