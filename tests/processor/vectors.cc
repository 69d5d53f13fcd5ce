// Registers as the system saves them for a signal handler: XSAVE's standard form, of Intel's
// Software Developer's Manual, volume 1, chapter 13.
#include "vectors.h"

#include <cpuid.h>

#include <cstring>

namespace vecmill::processor {
namespace {

constexpr std::size_t kXmm = 160, kPresent = 512, kUpperYmm = 576;
enum Part : unsigned { kSse = 1, kAvx = 2, kUpperZmm = 6 };

/// A part that is not present has only zeros, whatever its bytes are.
class Saved {
 public:
  explicit Saved(ucontext_t& at) : bytes_(reinterpret_cast<std::uint8_t*>(at.uc_mcontext.fpregs)) {
    std::memcpy(&present_, bytes_ + kPresent, sizeof present_);
  }

  void read(unsigned number, std::uint8_t* ymm) const {
    read(kSse, kXmm, number, ymm);
    read(kAvx, kUpperYmm, number, ymm + 16);
  }

  void write(unsigned number, const std::uint8_t* ymm) {
    write(kSse, kXmm, number, ymm);
    write(kAvx, kUpperYmm, number, ymm + 16);
    std::memcpy(bytes_ + kPresent, &present_, sizeof present_);
    // VEX clears what lies above in the register.
    if (!has(kUpperZmm)) return;
    unsigned size = 0, offset = 0, c = 0, d = 0;
    __get_cpuid_count(13, kUpperZmm, &size, &offset, &c, &d);
    std::memset(bytes_ + offset + 32 * std::size_t{number}, 0, 32);
  }

 private:
  [[nodiscard]] bool has(Part part) const { return (present_ >> part & 1) != 0; }

  void read(Part part, std::size_t offset, unsigned number, std::uint8_t* half) const {
    if (has(part)) {
      std::memcpy(half, bytes_ + offset + 16 * std::size_t{number}, 16);
    } else {
      std::memset(half, 0, 16);
    }
  }
  void write(Part part, std::size_t offset, unsigned number, const std::uint8_t* half) {
    if (!has(part)) std::memset(bytes_ + offset, 0, 16 * std::size_t{16});
    present_ |= std::uint64_t{1} << part;
    std::memcpy(bytes_ + offset + 16 * std::size_t{number}, half, 16);
  }

  std::uint8_t* bytes_;
  std::uint64_t present_ = 0;
};

struct Ymm {
  std::uint8_t bytes[32];

  template <class Number>
  [[nodiscard]] Number at(unsigned index) const {
    Number number;
    std::memcpy(&number, bytes + index * sizeof number, sizeof number);
    return number;
  }
};

template <class A, class B>
void add_products(Ymm& sums, const Ymm& a, const Ymm& b) {
  constexpr unsigned kEach = 4 / sizeof(A);
  for (unsigned n = 0; n < 8; ++n) {
    auto sum = sums.at<std::uint32_t>(n);
    for (unsigned i = n * kEach; i < (n + 1) * kEach; ++i) {
      sum += static_cast<std::uint32_t>(a.at<A>(i) * b.at<B>(i));
    }
    std::memcpy(sums.bytes + n * sizeof sum, &sum, sizeof sum);
  }
}

}  // namespace

const char* run_vectors(const Instruction& what, ucontext_t& at) {
  const bool words = what.opcode == 0x52;
  if ((what.opcode != 0x50 && !words) || what.prefix != Instruction::k66 || !what.wide) return "";
  Saved saved(at);
  Ymm sums, a, b;
  saved.read(what.reg, sums.bytes);
  saved.read(what.other, a.bytes);
  if (what.memory) {
    std::memcpy(b.bytes, reinterpret_cast<const std::uint8_t*>(what.address()), sizeof b.bytes);
  } else {
    saved.read(what.rm, b.bytes);
  }
  words ? add_products<std::int16_t, std::int16_t>(sums, a, b)
        : add_products<std::uint8_t, std::int8_t>(sums, a, b);
  saved.write(what.reg, sums.bytes);
  return nullptr;
}

}  // namespace vecmill::processor
