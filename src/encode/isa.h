#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "vecmill/result.h"

namespace vecmill::encode {

/// The instruction sets that f32 kernels exist for. All of them give the same bits.
enum class Isa : std::uint8_t { kPortable, kAvx2, kAvx512 };

[[nodiscard]] std::string_view name(Isa isa);

/// What this processor can run, slowest first; the portable one is always there.
[[nodiscard]] std::vector<Isa> available_isas();

/// The named one, or with an empty name the one in VECMILL_ISA, or the fastest.
///   errors  kInvalidArgument: no such name; kUnsupported: not on this processor
Result<Isa> choose_isa(std::string_view wanted = {});

}  // namespace vecmill::encode
