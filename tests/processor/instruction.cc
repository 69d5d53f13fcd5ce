#include "instruction.h"

#include <cstring>

namespace vecmill::processor {
namespace {

constexpr int kRegisters[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                                REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                REG_R12, REG_R13, REG_R14, REG_R15};

std::uint64_t value(const ucontext_t& at, unsigned number) {
  return static_cast<std::uint64_t>(at.uc_mcontext.gregs[kRegisters[number]]);
}

std::int64_t displacement(const std::uint8_t* from, unsigned bytes) {
  if (bytes == 1) return static_cast<std::int8_t>(*from);
  std::int32_t far = 0;
  std::memcpy(&far, from, bytes);
  return far;
}

/// The bits of VEX that make a register's number one of sixteen.
struct Extension {
  unsigned reg, index, base;
};

/// Reads the address from ModRM on; no instruction here has an operand behind it.
void read_address(const ucontext_t& at, const std::uint8_t* modrm, const Extension& more,
                  Instruction& found) {
  const unsigned mode = *modrm >> 6, rm = *modrm & 7;
  const std::uint8_t* next = modrm + 1;
  unsigned bytes = mode == 1 ? 1 : mode == 2 ? 4 : 0;
  bool from_next_instruction = false;
  found.sib = rm == 4;
  if (found.sib) {
    const std::uint8_t sib = *next++;
    const unsigned index = (sib >> 3 & 7U) + more.index, base = sib & 7U;
    if (index != 4) found.index = value(at, index) << (sib >> 6);
    if (base == 5 && mode == 0) {
      bytes = 4;
    } else {
      found.base = value(at, base + more.base);
    }
  } else if (rm == 5 && mode == 0) {
    bytes = 4;
    from_next_instruction = true;
  } else {
    found.base = value(at, rm + more.base);
  }
  if (bytes > 0) found.base += static_cast<std::uint64_t>(displacement(next, bytes));
  next += bytes;
  if (from_next_instruction) found.base += reinterpret_cast<std::uint64_t>(next);
  found.length += static_cast<std::size_t>(next - modrm);
}

}  // namespace

std::optional<Instruction> decode(const ucontext_t& at) {
  constexpr std::uint8_t kVex3 = 0xc4, kMap0F38 = 2;
  const auto* code = reinterpret_cast<const std::uint8_t*>(at.uc_mcontext.gregs[REG_RIP]);
  if (code[0] != kVex3 || (code[1] & 0x1f) != kMap0F38 || (code[2] & 0x80) != 0) return {};
  // The three bits above the map, and the register in the third byte, are stored inverted.
  const unsigned high = ~static_cast<unsigned>(code[1]);
  const Extension more{high >> 7 << 3 & 8, high >> 6 << 3 & 8, high >> 5 << 3 & 8};
  const std::uint8_t* modrm = code + 4;
  Instruction found;
  found.opcode = code[3];
  found.prefix = static_cast<Instruction::Prefix>(code[2] & 3);
  found.wide = (code[2] & 4) != 0;
  found.other = ~static_cast<unsigned>(code[2]) >> 3 & 15;
  found.reg = (*modrm >> 3 & 7U) + more.reg;
  found.memory = *modrm >> 6 != 3;
  found.length = 4;
  if (found.memory) {
    read_address(at, modrm, more, found);
  } else {
    found.rm = (*modrm & 7U) + more.base;
    ++found.length;
  }
  return found;
}

greg_t& general_register(ucontext_t& at, unsigned number) {
  return at.uc_mcontext.gregs[kRegisters[number]];
}

}  // namespace vecmill::processor
