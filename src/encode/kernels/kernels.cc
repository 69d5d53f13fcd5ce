#include "vecmill/encode/kernels/kernels.h"

#include <algorithm>
#include <cmath>

#include "vecmill/encode/kernels/tiny_is_zero.h"

namespace vecmill::encode {

namespace {

/// The kernels of a set, put together from those that it has of its own.
///   kWhole  null: the base has them
template <const Kernels& kBase, const PairKernels& kPairs, const WholeKernels* kWhole = nullptr>
const Kernels& joined() {
  static const Kernels result = [] {
    Kernels all = kBase;
    all.round = kPairs.round;
    all.pair_multiply_adds = kPairs.multiply_adds;
    all.product = [](const Product& p) {
      if (p.pairs) {
        const TinyIsZero as_in_bf16;
        return kPairs.product(p);
      }
      const bool floats = !p.words && p.quantized == nullptr;
      floats || kWhole == nullptr ? kBase.product(p) : kWhole->product(p);
    };
    if (kWhole != nullptr) all.byte_multiply_adds = kWhole->byte_multiply_adds;
    return all;
  }();
  return result;
}

}  // namespace

const Kernels& kernels(Isa isa) {
  switch (isa) {
    case Isa::kAvx2: return joined<avx2::kKernels, avx2::kPairs>();
    case Isa::kAvx2Vnni: return joined<avx2::kKernels, avx2::kPairs, &avx2_vnni::kWhole>();
    case Isa::kAvx512: return joined<avx512::kKernels, avx512::kPairs>();
    case Isa::kAvx512Vnni: return joined<avx512::kKernels, avx512::kPairs, &avx512_vnni::kWhole>();
    case Isa::kAvx512Bf16:
      return joined<avx512::kKernels, avx512_bf16::kPairs, &avx512_vnni::kWhole>();
    case Isa::kAmx: return joined<avx512::kKernels, amx::kPairs, &amx::kWhole>();
    case Isa::kPortable: break;
  }
  return joined<portable::kKernels, portable::kPairs>();
}

std::int32_t most_word(std::uint32_t count) {
  constexpr double kMostSum = 2147483647.0;
  constexpr std::uint32_t kAtOnce = 2 * kWordBlock, kLittle = 32;  // finer than 14 bits is no use
  return static_cast<std::int32_t>(std::sqrt(kMostSum / std::clamp(count, kLittle, kAtOnce)));
}

Epilogue epilogue(Activation activation, bool of_bytes) {
  switch (activation) {
    case Activation::kGeluErf: return of_bytes ? Epilogue::kGeluErfNear : Epilogue::kGeluErf;
    case Activation::kGeluTanh: return Epilogue::kGeluTanh;
    case Activation::kRelu: return Epilogue::kRelu;
    case Activation::kSilu: return Epilogue::kSilu;
    case Activation::kTanh: return Epilogue::kTanh;
  }
  return Epilogue::kNone;
}

}  // namespace vecmill::encode
