#pragma once

#include "vecmill/result.h"

namespace vecmill::high {

Status run();

}  // namespace vecmill::high
