#include "vecmill/facade/facade.h"

#include "vecmill/high/high.h"

namespace vecmill::facade {

Status open() { return high::run(); }

}  // namespace vecmill::facade
