#pragma once

#ifndef MISTAKE_lone_header_not_self_contained
#include <map>
#endif

namespace vecmill::low {

/// No source has the name of this header.
using Table = std::map<int, int>;

}  // namespace vecmill::low
