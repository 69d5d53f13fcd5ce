// modules: cache
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "vecmill/base/check.h"
#include "vecmill/cache/archive.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using vecmill::cache::RowCodec;
  auto codec = RowCodec::make(vecmill::cache::Store::kF32, "");
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  auto reader = vecmill::cache::ArchiveReader::open(bytes, *codec);
  if (!reader) return 0;
  for (;;) {
    auto entry = reader->next();
    if (!entry || !*entry) return 0;
    VECMILL_CHECK(vecmill::cache::keepable((*entry)->row.value));
  }
}
