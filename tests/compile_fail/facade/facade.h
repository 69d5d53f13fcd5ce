#pragma once

#include "vecmill/result.h"

namespace vecmill::facade {

Status open();

}  // namespace vecmill::facade
