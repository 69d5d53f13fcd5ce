#pragma once

#include "instruction.h"

namespace vecmill::processor {

/// Does what AMX would (tiles, bytes and bf16), on the tiles of this thread. Returns why a
/// processor would refuse it, "" if it is none of AMX's, or null when it is done.
const char* run_tiles(const Instruction& what);

}  // namespace vecmill::processor
