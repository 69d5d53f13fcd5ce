// modules: remote
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "vecmill/base/check.h"
#include "vecmill/remote/self_description.h"

/// The first byte picks the kind of server, the rest is what it says.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vecmill;
  using namespace vecmill::remote;
  if (size == 0) return 0;
  const About about = data[0] % 2 == 0 ? About::kTeiInfo : About::kOllamaShow;
  const auto found =
      read_self_description(about, {reinterpret_cast<const char*>(data + 1), size - 1});
  if (found) VECMILL_CHECK(found->identity.empty() == (about == About::kOllamaShow));
  return 0;
}
