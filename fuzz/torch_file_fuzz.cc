// modules: hub
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "vecmill/base/check.h"
#include "vecmill/hub/torch_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::size_t written = 0;
  const auto sink = [&](std::string_view piece) -> vecmill::Status {
    written += piece.size();
    return {};
  };
  const auto file = std::as_bytes(std::span(data, size));
  if (vecmill::hub::convert_to_safetensors(file, "fuzz", sink)) VECMILL_CHECK(written > 8);
  return 0;
}
