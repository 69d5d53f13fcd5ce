#pragma once

namespace vecmill {

/// Prints the broken assumption with its place and aborts: for bugs, never for outside causes.
[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace vecmill

#define VECMILL_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::vecmill::check_failed(#condition, __FILE__, __LINE__))
