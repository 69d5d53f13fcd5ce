#include "vecmill/facade/facade.h"
#ifdef MISTAKE_shell_past_facade
#include "vecmill/high/high.h"
#endif

namespace vecmill::shell {

Status serve() { return facade::open(); }

}  // namespace vecmill::shell
