#include "vecmill/tokenize/cl100k_ranks.h"

// An array of 1.7 MB takes compilers longer than all else here.
__asm__(
    ".section .rodata\n"
    "kVecmillCl100kRanks:\n"
    ".incbin \"" VECMILL_CL100K_RANKS
    "\"\n"
    "kVecmillCl100kRanksEnd:\n"
    ".global kVecmillCl100kRanks, kVecmillCl100kRanksEnd\n"
    ".hidden kVecmillCl100kRanks, kVecmillCl100kRanksEnd\n"
    ".text\n");

extern "C" const char kVecmillCl100kRanks[], kVecmillCl100kRanksEnd[];

namespace vecmill::tokenize {

std::string_view cl100k_ranks() { return {kVecmillCl100kRanks, kVecmillCl100kRanksEnd}; }

}  // namespace vecmill::tokenize
