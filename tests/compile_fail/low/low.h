#pragma once

#include "vecmill/result.h"
#ifdef MISTAKE_upward_include
#include "vecmill/high/high.h"
#endif
#ifndef MISTAKE_header_not_self_contained
#include <map>
#endif

namespace vecmill::low {

Status check(const std::map<int, int>& values);

}  // namespace vecmill::low
