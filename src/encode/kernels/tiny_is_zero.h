#pragma once

#include <xmmintrin.h>  // in every x86-64 processor

namespace vecmill::encode {

/// While it lives, this thread takes numbers that are too small to be normal for 0, as operands and
/// as results: instructions for bf16 do so always. Call what computes through a pointer: compilers
/// move arithmetic past it.
class TinyIsZero {
 public:
  TinyIsZero() : before_(_mm_getcsr()) { _mm_setcsr(before_ | kResultsAndOperands); }
  ~TinyIsZero() { _mm_setcsr(before_); }
  TinyIsZero(const TinyIsZero&) = delete;
  TinyIsZero& operator=(const TinyIsZero&) = delete;

 private:
  static constexpr unsigned kResultsAndOperands = 0x8040;  // FTZ and DAZ
  const unsigned before_;
};

}  // namespace vecmill::encode
