#include "vecmill/tokenize/cl100k_ranks.h"

// An array of 1.7 MB takes compilers longer than all else here.
__asm__(
    ".section .rodata\n"
    "vecmill_cl100k_ranks:\n"
    ".incbin \"" VECMILL_CL100K_RANKS
    "\"\n"
    "vecmill_cl100k_ranks_end:\n"
    ".global vecmill_cl100k_ranks, vecmill_cl100k_ranks_end\n"
    ".hidden vecmill_cl100k_ranks, vecmill_cl100k_ranks_end\n"
    ".text\n");

extern "C" const char vecmill_cl100k_ranks[], vecmill_cl100k_ranks_end[];

namespace vecmill::tokenize {

std::string_view cl100k_ranks() { return {vecmill_cl100k_ranks, vecmill_cl100k_ranks_end}; }

}  // namespace vecmill::tokenize
