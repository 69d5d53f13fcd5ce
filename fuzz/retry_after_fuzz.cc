// modules: policy
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "vecmill/base/check.h"
#include "vecmill/policy/retry_after.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vecmill::policy;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Date now = std::chrono::sys_days(std::chrono::year(2026) / 11 / 21);
  for (const auto& wait :
       {parse_retry_after(text, now), parse_milliseconds(text), parse_reset(text)}) {
    VECMILL_CHECK(!wait || (*wait >= Duration(0) && *wait <= kLongestWait));
  }
  return 0;
}
