// modules: encode
#include <cstddef>
#include <cstdint>
#include <span>

#include "vecmill/base/check.h"
#include "vecmill/encode/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto file = std::as_bytes(std::span(data, size));
  const auto table = vecmill::encode::parse_safetensors(file, "fuzz");
  if (!table) return 0;
  for (const auto& [name, tensor] : *table) {
    VECMILL_CHECK(tensor.offset <= size && tensor.bytes <= size - tensor.offset);
    if (tensor.dtype != "F32" && tensor.dtype != "F16" && tensor.dtype != "BF16") continue;
    std::vector<float> values(tensor.bytes / (tensor.dtype == "F32" ? 4 : 2));
    (void)vecmill::encode::read_floats(file.subspan(tensor.offset, tensor.bytes), tensor.dtype,
                                       values);
  }
  return 0;
}
