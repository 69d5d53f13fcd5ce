#pragma once

#include <ucontext.h>

#include <cstddef>
#include <cstdint>
#include <optional>

namespace vecmill::processor {

/// One instruction with a VEX prefix of three bytes and opcode map 0F38, and where its memory is.
struct Instruction {
  enum Prefix : std::uint8_t { kNone, k66, kF3, kF2 };

  std::uint8_t opcode = 0;
  Prefix prefix = kNone;
  bool wide = false;   ///< VEX.L: of 256 bits
  unsigned reg = 0;    ///< ModRM.reg
  unsigned rm = 0;     ///< ModRM.rm, a register if not `memory`
  unsigned other = 0;  ///< VEX.vvvv
  bool memory = false;
  bool sib = false;         ///< the address has a byte for base and index
  std::uint64_t base = 0;   ///< base + displacement
  std::uint64_t index = 0;  ///< times its scale, 0 if there is none
  std::size_t length = 0;

  [[nodiscard]] std::uint64_t address() const { return base + index; }
};

/// What stands at the program counter, or nothing if it is of another kind (W of 1 among them).
std::optional<Instruction> decode(const ucontext_t& at);

/// A general register by its number in an instruction.
greg_t& general_register(ucontext_t& at, unsigned number);

}  // namespace vecmill::processor
