#pragma once

#include "vecmill/base/suggest.h"

namespace vecmill::cli {

using vecmill::edit_distance;
using vecmill::suggestion;

}  // namespace vecmill::cli
