#include "vecmill/encode/kernels/kernels.h"

namespace vecmill::encode {

const Kernels& kernels(Isa isa) {
  switch (isa) {
    case Isa::kAvx2: return avx2::kKernels;
    case Isa::kAvx512: return avx512::kKernels;
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
