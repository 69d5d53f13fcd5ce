// As AVX-512, but four products of bytes are added to a sum at once, in 32 bits.
#include <immintrin.h>

#include <utility>

#include "vecmill/encode/kernels/kernels.h"
#include "vecmill/encode/kernels/step.h"

namespace vecmill::encode::avx512_vnni {
namespace {

#include "vecmill/encode/kernels/avx512_lanes.inc"
#include "vecmill/encode/kernels/avx512_tile.inc"

/// Not the intrinsic: GCC 12 takes its sums out of their registers and back each time.
inline void add_dot(IntVec& sum, Bytes a, const std::int8_t* w) {
  __m512i v = sum.v;  // an element of an array would stay in memory
  __asm__("vpdpbusd %2, %1, %0" : "+v"(v) : "v"(a), "v"(_mm512_loadu_si512(w)));
  sum.v = v;
}
inline void add_words(IntVec& sum, Bytes a, const std::int16_t* w) {
  __m512i v = sum.v;
  __asm__("vpdpwssd %2, %1, %0" : "+v"(v) : "v"(a), "v"(_mm512_loadu_si512(w)));
  sum.v = v;
}

constexpr bool kFloats = false;

#include "vecmill/encode/kernels/whole.inc"

}  // namespace

const WholeKernels kWhole{product, byte_multiply_adds};

}  // namespace vecmill::encode::avx512_vnni
