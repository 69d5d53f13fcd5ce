#include "vecmill/base/failpoint.h"

#include <unistd.h>

#include <atomic>
#include <charconv>
#include <cstdlib>
#include <string>

namespace vecmill {

#ifdef VECMILL_FAILPOINTS

namespace {

struct Armed {
  std::string name;
  std::atomic<std::int64_t> left{0};

  Armed() {
    const char* value = std::getenv("VECMILL_FAILPOINT");
    if (value == nullptr) return;
    const std::string_view text(value);
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return;
    std::int64_t count = 0;
    std::from_chars(text.data() + colon + 1, text.data() + text.size(), count);
    name = text.substr(0, colon);
    left = count;
  }
};

}  // namespace

void failpoint(std::string_view name) {
  static Armed armed;
  if (armed.name.empty() || armed.name != name) return;
  if (--armed.left == 0) _exit(137);
}

#else

void failpoint(std::string_view /*name*/) {}

#endif

}  // namespace vecmill
