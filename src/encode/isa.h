#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "vecmill/result.h"

namespace vecmill::encode {

/// The instruction sets that kernels exist for. All of them give the same bits, but for bf16 with
/// AMX. VNNI is for whole numbers, BF16 for bf16, AMX for both; their f32 is that of AVX2 or
/// AVX-512.
enum class Isa : std::uint8_t {
  kPortable,
  kAvx2,
  kAvx2Vnni,
  kAvx512,
  kAvx512Vnni,
  kAvx512Bf16,
  kAmx
};

/// Slowest first.
[[nodiscard]] std::span<const Isa> all_isas();

[[nodiscard]] std::string_view name(Isa isa);

/// What this processor can run, slowest first; the portable one is always there.
[[nodiscard]] std::vector<Isa> available_isas();

/// The named one, or with an empty name the one in VECMILL_ISA, or the fastest that tests have run.
///   errors  kInvalidArgument: no such name; kUnsupported: not on this processor
Result<Isa> choose_isa(std::string_view wanted = {});

}  // namespace vecmill::encode
