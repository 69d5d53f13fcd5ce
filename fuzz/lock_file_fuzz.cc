// modules: hub
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "vecmill/base/check.h"
#include "vecmill/hub/lock_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vecmill::hub;
  const auto lock = parse_lock({reinterpret_cast<const char*>(data), size}, "fuzz");
  if (!lock) return 0;
  const std::string written = write_lock(*lock);
  const auto again = parse_lock(written, "fuzz");
  VECMILL_CHECK(again.has_value());
  VECMILL_CHECK(write_lock(*again) == written);
  return 0;
}
