// modules: hub
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "vecmill/base/check.h"
#include "vecmill/hub/pickle.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vecmill::hub;
  const auto tensors = read_state_dict({reinterpret_cast<const char*>(data), size}, "fuzz");
  if (!tensors) return 0;
  VECMILL_CHECK(!tensors->empty());
  for (const PickledTensor& tensor : *tensors) {
    VECMILL_CHECK(element_bytes(tensor.dtype) > 0);
    VECMILL_CHECK(tensor.shape.size() == tensor.strides.size());
  }
  return 0;
}
