#pragma once

#include <ucontext.h>

#include "instruction.h"

namespace vecmill::processor {

/// Does what AVX-VNNI would (VPDPBUSD and VPDPWSSD with VEX) to the registers that the system has
/// saved. Returns "" if it is neither, or null when it is done.
const char* run_vectors(const Instruction& what, ucontext_t& at);

}  // namespace vecmill::processor
