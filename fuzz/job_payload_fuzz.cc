// modules: engine
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "vecmill/base/check.h"
#include "vecmill/engine/job_payload.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace vecmill::engine;
  const auto payload = parse_payload(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!payload) return 0;
  VECMILL_CHECK(!texts_of(*payload).empty() || payload->has_texts());
  // What can be read is written and read back the same.
  const std::string text = to_text(*payload);
  const auto again = parse_payload(text);
  VECMILL_CHECK(again && to_text(*again) == text);
  return 0;
}
