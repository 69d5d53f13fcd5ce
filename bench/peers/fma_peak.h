#pragma once

namespace vecmill::bench {

/// Multiplications and additions a second that all cores together reach with nothing but fused
/// multiply-adds of the widest vectors the processor has.
double fma_peak(unsigned cores);

}  // namespace vecmill::bench
