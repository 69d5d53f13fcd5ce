#include "vecmill/encode/fma_peak.h"

#include <immintrin.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <vector>

namespace vecmill::encode {
namespace {

constexpr int kSteps = 2'000'000;
// Independent sums, enough to hide the latency of one. Each is a variable of its own with its own
// start: an array would live in memory, and equal ones would be merged.
constexpr int kChains = 12;

__attribute__((target("avx2,fma"))) float run_avx2() {
  const __m256 a = _mm256_set1_ps(0.999F);
  __m256 s0 = _mm256_set1_ps(0.0F);
  __m256 s1 = _mm256_set1_ps(1.0F);
  __m256 s2 = _mm256_set1_ps(2.0F);
  __m256 s3 = _mm256_set1_ps(3.0F);
  __m256 s4 = _mm256_set1_ps(4.0F);
  __m256 s5 = _mm256_set1_ps(5.0F);
  __m256 s6 = _mm256_set1_ps(6.0F);
  __m256 s7 = _mm256_set1_ps(7.0F);
  __m256 s8 = _mm256_set1_ps(8.0F);
  __m256 s9 = _mm256_set1_ps(9.0F);
  __m256 s10 = _mm256_set1_ps(10.0F);
  __m256 s11 = _mm256_set1_ps(11.0F);
  for (int step = 0; step < kSteps; ++step) {
    s0 = _mm256_fmadd_ps(s0, a, a);
    s1 = _mm256_fmadd_ps(s1, a, a);
    s2 = _mm256_fmadd_ps(s2, a, a);
    s3 = _mm256_fmadd_ps(s3, a, a);
    s4 = _mm256_fmadd_ps(s4, a, a);
    s5 = _mm256_fmadd_ps(s5, a, a);
    s6 = _mm256_fmadd_ps(s6, a, a);
    s7 = _mm256_fmadd_ps(s7, a, a);
    s8 = _mm256_fmadd_ps(s8, a, a);
    s9 = _mm256_fmadd_ps(s9, a, a);
    s10 = _mm256_fmadd_ps(s10, a, a);
    s11 = _mm256_fmadd_ps(s11, a, a);
  }
  s0 = _mm256_add_ps(s0, s1);
  s0 = _mm256_add_ps(s0, s2);
  s0 = _mm256_add_ps(s0, s3);
  s0 = _mm256_add_ps(s0, s4);
  s0 = _mm256_add_ps(s0, s5);
  s0 = _mm256_add_ps(s0, s6);
  s0 = _mm256_add_ps(s0, s7);
  s0 = _mm256_add_ps(s0, s8);
  s0 = _mm256_add_ps(s0, s9);
  s0 = _mm256_add_ps(s0, s10);
  s0 = _mm256_add_ps(s0, s11);
  return _mm256_cvtss_f32(s0);
}

__attribute__((target("avx512f"))) float run_avx512() {
  const __m512 a = _mm512_set1_ps(0.999F);
  __m512 s0 = _mm512_set1_ps(0.0F);
  __m512 s1 = _mm512_set1_ps(1.0F);
  __m512 s2 = _mm512_set1_ps(2.0F);
  __m512 s3 = _mm512_set1_ps(3.0F);
  __m512 s4 = _mm512_set1_ps(4.0F);
  __m512 s5 = _mm512_set1_ps(5.0F);
  __m512 s6 = _mm512_set1_ps(6.0F);
  __m512 s7 = _mm512_set1_ps(7.0F);
  __m512 s8 = _mm512_set1_ps(8.0F);
  __m512 s9 = _mm512_set1_ps(9.0F);
  __m512 s10 = _mm512_set1_ps(10.0F);
  __m512 s11 = _mm512_set1_ps(11.0F);
  for (int step = 0; step < kSteps; ++step) {
    s0 = _mm512_fmadd_ps(s0, a, a);
    s1 = _mm512_fmadd_ps(s1, a, a);
    s2 = _mm512_fmadd_ps(s2, a, a);
    s3 = _mm512_fmadd_ps(s3, a, a);
    s4 = _mm512_fmadd_ps(s4, a, a);
    s5 = _mm512_fmadd_ps(s5, a, a);
    s6 = _mm512_fmadd_ps(s6, a, a);
    s7 = _mm512_fmadd_ps(s7, a, a);
    s8 = _mm512_fmadd_ps(s8, a, a);
    s9 = _mm512_fmadd_ps(s9, a, a);
    s10 = _mm512_fmadd_ps(s10, a, a);
    s11 = _mm512_fmadd_ps(s11, a, a);
  }
  s0 = _mm512_add_ps(s0, s1);
  s0 = _mm512_add_ps(s0, s2);
  s0 = _mm512_add_ps(s0, s3);
  s0 = _mm512_add_ps(s0, s4);
  s0 = _mm512_add_ps(s0, s5);
  s0 = _mm512_add_ps(s0, s6);
  s0 = _mm512_add_ps(s0, s7);
  s0 = _mm512_add_ps(s0, s8);
  s0 = _mm512_add_ps(s0, s9);
  s0 = _mm512_add_ps(s0, s10);
  s0 = _mm512_add_ps(s0, s11);
  return _mm512_cvtss_f32(s0);
}

}  // namespace

double fma_peak(unsigned threads) {
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return 0;
  const bool wide = __builtin_cpu_supports("avx512f");
  const double operations = 2.0 * (wide ? 16 : 8) * kChains * kSteps * threads;
  double best = 0;
  for (int round = 0; round < 25; ++round) {
    const auto start = std::chrono::steady_clock::now();
    std::vector<std::jthread> running;
    for (unsigned i = 0; i < threads; ++i) {
      running.emplace_back([wide] {
        volatile float kept = wide ? run_avx512() : run_avx2();
        (void)kept;
      });
    }
    running.clear();
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    best = std::max(best, operations / taken.count());
  }
  return best;
}

}  // namespace vecmill::encode
