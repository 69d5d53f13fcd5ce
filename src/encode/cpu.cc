#include "vecmill/encode/cpu.h"

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

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
  static const CpuFeatures features = [] {
    const Leaf extended = cpuid(7, 0), more = cpuid(7, 1);
    CpuFeatures found;
    found.avx2_vnni = bit(more.eax, 4);
    found.avx512_vnni = bit(extended.ecx, 11);
    found.avx512_bf16 = bit(more.eax, 5);
    const bool amx = bit(extended.edx, 22) && bit(extended.edx, 24) && bit(extended.edx, 25);
    found.amx = amx && system_saves_tiles() && tiles_granted();
    return found;
  }();
  return features;
}

std::string processor_name() {
  constexpr unsigned kFirst = 0x80000002, kLast = 0x80000004;
  std::string name;
  for (unsigned leaf = kFirst; leaf <= kLast; ++leaf) {
    const Leaf part = cpuid(leaf, 0);
    for (const unsigned word : {part.eax, part.ebx, part.ecx, part.edx}) {
      for (unsigned byte = 0; byte < 4; ++byte) name += static_cast<char>(word >> 8 * byte & 0xff);
    }
  }
  name.resize(std::min(name.find('\0'), name.size()));
  name.resize(name.find_last_not_of(' ') + 1);
  return name + " (" + std::to_string(cpuid(1, 0).eax) + ")";
}

}  // namespace vecmill::encode
