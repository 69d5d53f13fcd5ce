#include "vecmill/high/high.h"

#include "vecmill/low/low.h"

namespace vecmill::high {

Status run() {
#ifdef MISTAKE_dropped_result
  low::check({{1, 2}});
#else
  VECMILL_TRY(low::check({{1, 2}}));
#endif
  return {};
}

}  // namespace vecmill::high
