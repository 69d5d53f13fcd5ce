#include "vecmill/encode/multiply_peak.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

namespace vecmill::encode {
namespace {

using Work = std::uint64_t (*)(std::uint32_t steps);

double seconds_of(Work work, unsigned threads, std::uint32_t steps) {
  const auto start = std::chrono::steady_clock::now();
  std::vector<std::jthread> running;
  for (unsigned i = 0; i < threads; ++i) {
    running.emplace_back([&] { (void)work(steps); });
  }
  running.clear();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

double multiply_peak(Work work, unsigned threads) {
  constexpr double kRoundSeconds = 0.01;
  constexpr int kRounds = 25;
  std::uint32_t steps = 1000;
  while (seconds_of(work, 1, steps) < kRoundSeconds && steps < 1U << 30) steps *= 2;
  const double operations = static_cast<double>(work(steps)) * threads;
  double shortest = seconds_of(work, threads, steps);
  for (int round = 1; round < kRounds; ++round) {
    shortest = std::min(shortest, seconds_of(work, threads, steps));
  }
  return operations / shortest;
}

}  // namespace vecmill::encode
