// modules: hub
#include <cstddef>
#include <cstdint>
#include <span>

#include "vecmill/base/check.h"
#include "vecmill/hub/zip.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vecmill::hub;
  const auto zip = ZipReader::open(std::as_bytes(std::span(data, size)), "fuzz");
  if (!zip) return 0;
  for (const ZipEntry& entry : zip->entries()) {
    VECMILL_CHECK(zip->find(entry.name) == &entry);
    VECMILL_CHECK(is_safe_relative_path(entry.name));
    const auto text = zip->read(entry, 1 << 20);
    VECMILL_CHECK(!text || text->size() == entry.size);
  }
  return 0;
}
