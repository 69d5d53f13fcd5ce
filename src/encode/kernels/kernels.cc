#include "vecmill/encode/kernels/kernels.h"

namespace vecmill::encode {

namespace {

/// The kernels of a set with instructions of its own for whole numbers.
template <const Kernels& kBase, const WholeKernels& kWhole>
const Kernels& with_whole() {
  static const Kernels kAll = [] {
    Kernels all = kBase;
    all.product = [](const Product& p) {
      p.quantized == nullptr ? kBase.product(p) : kWhole.product(p);
    };
    all.byte_multiply_adds = kWhole.byte_multiply_adds;
    return all;
  }();
  return kAll;
}

}  // namespace

const Kernels& kernels(Isa isa) {
  switch (isa) {
    case Isa::kAvx2: return avx2::kKernels;
    case Isa::kAvx2Vnni: return with_whole<avx2::kKernels, avx2_vnni::kWhole>();
    case Isa::kAvx512: return avx512::kKernels;
    case Isa::kAvx512Vnni: return with_whole<avx512::kKernels, avx512_vnni::kWhole>();
    case Isa::kAmx: return with_whole<avx512::kKernels, amx::kWhole>();
    case Isa::kPortable: break;
  }
  return portable::kKernels;
}

Epilogue epilogue(Activation activation) {
  switch (activation) {
    case Activation::kGeluErf: return Epilogue::kGeluErf;
    case Activation::kGeluTanh: return Epilogue::kGeluTanh;
    case Activation::kRelu: return Epilogue::kRelu;
    case Activation::kSilu: return Epilogue::kSilu;
    case Activation::kTanh: return Epilogue::kTanh;
  }
  return Epilogue::kNone;
}

}  // namespace vecmill::encode
