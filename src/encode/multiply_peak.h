#pragma once

#include <cstdint>

namespace vecmill::encode {

/// Multiplications and additions a second that so many threads together reach with nothing but
/// these, one of the `multiply_adds` of Kernels: the limit of any encoder in its numbers and
/// instruction set. Takes some tenths of a second.
double multiply_peak(std::uint64_t (*work)(std::uint32_t steps), unsigned threads);

}  // namespace vecmill::encode
