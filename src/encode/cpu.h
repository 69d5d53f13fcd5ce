#pragma once

namespace vecmill::encode {

/// What compilers' own questions about the processor do not all know. Registers that an instruction
/// set needs are a question of their own, asked for AVX2 and AVX-512 by the compiler.
struct CpuFeatures {
  bool avx2_vnni = false, avx512_vnni = false;
  bool amx_int8 = false;  ///< and the system lets this process use the tiles
};

[[nodiscard]] const CpuFeatures& cpu_features();

}  // namespace vecmill::encode
