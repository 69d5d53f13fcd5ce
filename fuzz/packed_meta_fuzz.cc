// modules: encode
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "vecmill/base/check.h"
#include "vecmill/encode/packed_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::uint64_t kData = 16 * vecmill::encode::kPackedBlock;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto meta = vecmill::encode::parse_meta(text, kData, "fuzz");
  if (!meta) return 0;
  for (const auto& [name, place] : meta->tensors) {
    VECMILL_CHECK(place.offset + place.floats * sizeof(float) <= kData);
  }
  const auto again = vecmill::encode::parse_meta(vecmill::encode::write_meta(*meta), kData, "fuzz");
  VECMILL_CHECK(again.has_value() && again->configs == meta->configs);
  return 0;
}
