#include "vecmill/encode/cpu.h"

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace vecmill::encode {
namespace {

struct Leaf {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
};

Leaf cpuid(unsigned leaf, unsigned subleaf) {
  Leaf found;
  // 0 in all four where the processor does not know the leaf.
  __get_cpuid_count(leaf, subleaf, &found.eax, &found.ebx, &found.ecx, &found.edx);
  return found;
}

bool bit(unsigned value, unsigned index) { return (value >> index & 1U) != 0; }

/// Whether the system saves the tiles (bits 17 and 18 of XCR0): to ask on others is a fault.
bool system_saves_tiles() {
  constexpr unsigned kTiles = 3U << 17;
  constexpr unsigned kOsxsave = 27;
  if (!bit(cpuid(1, 0).ecx, kOsxsave)) return false;
  unsigned low = 0, high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (low & kTiles) == kTiles;
}

/// Linux gives a process the tiles when it asks for them; once is enough for all threads.
bool tiles_granted() {
  constexpr long kRequestPermission = 0x1023, kTileData = 18;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

}  // namespace

const CpuFeatures& cpu_features() {
  static const CpuFeatures kFound = [] {
    const Leaf extended = cpuid(7, 0), more = cpuid(7, 1);
    CpuFeatures found;
    found.avx2_vnni = bit(more.eax, 4);
    found.avx512_vnni = bit(extended.ecx, 11);
    const bool amx = bit(extended.edx, 24) && bit(extended.edx, 25);
    found.amx_int8 = amx && system_saves_tiles() && tiles_granted();
    return found;
  }();
  return kFound;
}

}  // namespace vecmill::encode
