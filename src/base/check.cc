#include "vecmill/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace vecmill {

void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "vecmill: bug: %s does not hold (%s:%d)\n", condition, file, line);
  std::abort();
}

}  // namespace vecmill
