// modules: encode
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "vecmill/base/check.h"
#include "vecmill/encode/weights.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto map = vecmill::encode::parse_weight_index(text, "fuzz");
  if (!map) return 0;
  for (const auto& [tensor, file] : *map) VECMILL_CHECK(file.find('/') == std::string::npos);
  return 0;
}
