#pragma once

#include "vecmill/encode/kernels/kernels.h"

namespace vecmill::encode {

/// Multiplications and additions a second that so many threads together reach with nothing but
/// fused multiply-adds of these kernels' vectors: the limit of any f32 encoder in their instruction
/// set. Takes some tenths of a second.
double fma_peak(const Kernels& kernels, unsigned threads);
/// The same with products of bytes, the limit of an int8 encoder.
double byte_peak(const Kernels& kernels, unsigned threads);

}  // namespace vecmill::encode
