#include "fma_peak.h"

#include <immintrin.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <vector>

namespace vecmill::bench {
namespace {

constexpr int kSteps = 4'000'000;
constexpr int kChains = 12;  // enough independent sums to hide the latency of one

__attribute__((target("avx2,fma"))) float run_avx2() {
  __m256 sums[kChains] = {};
  const __m256 a = _mm256_set1_ps(0.999F);
  for (int step = 0; step < kSteps; ++step) {
    for (__m256& sum : sums) {
      sum = _mm256_fmadd_ps(sum, a, a);
      asm volatile("" : "+x"(sum));
    }
  }
  float total = 0;
  for (const __m256& sum : sums) total += _mm256_cvtss_f32(sum);
  return total;
}

__attribute__((target("avx512f"))) float run_avx512() {
  __m512 sums[kChains] = {};
  const __m512 a = _mm512_set1_ps(0.999F);
  for (int step = 0; step < kSteps; ++step) {
    for (__m512& sum : sums) {
      sum = _mm512_fmadd_ps(sum, a, a);
      asm volatile("" : "+v"(sum));
    }
  }
  float total = 0;
  for (const __m512& sum : sums) total += _mm512_cvtss_f32(sum);
  return total;
}

}  // namespace

double fma_peak(unsigned cores) {
  const bool wide = __builtin_cpu_supports("avx512f");
  const double operations = 2.0 * (wide ? 16 : 8) * kChains * kSteps * cores;
  double best = 0;
  for (int round = 0; round < 5; ++round) {
    const auto start = std::chrono::steady_clock::now();
    std::vector<std::jthread> threads;
    for (unsigned core = 0; core < cores; ++core) {
      threads.emplace_back([wide] {
        volatile float kept = wide ? run_avx512() : run_avx2();
        (void)kept;
      });
    }
    threads.clear();
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    best = std::max(best, operations / taken.count());
  }
  return best;
}

}  // namespace vecmill::bench
