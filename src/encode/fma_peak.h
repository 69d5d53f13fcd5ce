#pragma once

namespace vecmill::encode {

/// Multiplications and additions a second that so many threads together reach with nothing but
/// fused multiply-adds of the widest vectors the processor has: the limit of any f32 encoder. 0 on
/// a processor without them. Takes about a tenth of a second.
double fma_peak(unsigned threads);

}  // namespace vecmill::encode
