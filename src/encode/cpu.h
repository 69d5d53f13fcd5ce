#pragma once

#include <string>

namespace vecmill::encode {

/// What compilers' own questions about the processor do not all know. Registers that an instruction
/// set needs are a question of their own, asked for AVX2 and AVX-512 by the compiler.
struct CpuFeatures {
  bool avx2_vnni = false, avx512_vnni = false, avx512_bf16 = false;
  bool amx = false;  ///< for int8 and bf16, and the system lets this process use the tiles
};

[[nodiscard]] const CpuFeatures& cpu_features();

/// Its maker's name for it, and its family, model and stepping in one number, for people.
[[nodiscard]] std::string processor_name();

}  // namespace vecmill::encode
