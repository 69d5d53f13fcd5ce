#include "vecmill/low/low.h"

#include <map>

namespace vecmill::low {

Status check(const std::map<int, int>& values) {
  if (values.empty()) return make_error(ErrorKind::kInvalidArgument, "no values");
  return {};
}

}  // namespace vecmill::low
