#include "vecmill/encode/kernels/kernels.h"

namespace vecmill::encode {

namespace {

/// The kernels of a set with instructions of its own for whole numbers.
template <const Kernels& kBase, void (*kWholeProduct)(const Product&)>
const Kernels& with_whole_product() {
  static const Kernels kAll = [] {
    Kernels all = kBase;
    all.product = [](const Product& p) {
      p.quantized == nullptr ? kBase.product(p) : kWholeProduct(p);
    };
    return all;
  }();
  return kAll;
}

}  // namespace

const Kernels& kernels(Isa isa) {
  switch (isa) {
    case Isa::kAvx2: return avx2::kKernels;
    case Isa::kAvx2Vnni: return with_whole_product<avx2::kKernels, avx2_vnni::whole_product>();
    case Isa::kAvx512: return avx512::kKernels;
    case Isa::kAvx512Vnni:
      return with_whole_product<avx512::kKernels, avx512_vnni::whole_product>();
    case Isa::kAmx: return with_whole_product<avx512::kKernels, amx::whole_product>();
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
