// Preloaded (LD_PRELOAD), lets a program of ours run AMX and AVX-VNNI on an x86-64 processor
// without them: its questions about the processor are answered as one with them would answer, and
// the instructions, which such a processor refuses, are done in plain code. The program is the one
// that users run: not a byte of its code is compiled otherwise. What the processor has runs on the
// processor. VECMILL_EMULATED=amx leaves AVX-VNNI out, whose instructions do little each and take
// long so.
#include <cpuid.h>
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <cstdarg>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "instruction.h"
#include "tiles.h"
#include "vectors.h"

namespace vecmill::processor {
namespace {

constexpr std::uint8_t kCpuid[] = {0x0f, 0xa2}, kXgetbv[] = {0x0f, 0x01, 0xd0};
constexpr std::uint8_t kUndefined[] = {0x0f, 0x0b};

/// Where the program asked the processor.
struct Question {
  std::uint64_t address;
  bool xgetbv;
};
Question questions[64];
std::size_t question_count = 0;
bool avx_vnni = true;

[[noreturn]] void give_up(std::string_view why) {
  constexpr std::string_view kWho = "emulated processor: ";
  [[maybe_unused]] auto written = write(STDERR_FILENO, kWho.data(), kWho.size());
  written = write(STDERR_FILENO, why.data(), why.size());
  written = write(STDERR_FILENO, "\n", 1);
  _exit(99);
}

void answer_cpuid(ucontext_t& at) {
  constexpr unsigned kAmx = 1U << 22 | 1U << 24 | 1U << 25, kAvxVnni = 1U << 4;
  const auto leaf = static_cast<unsigned>(general_register(at, 0));
  const auto subleaf = static_cast<unsigned>(general_register(at, 1));
  unsigned a = 0, b = 0, c = 0, d = 0;
  __cpuid_count(leaf, subleaf, a, b, c, d);
  if (leaf == 7 && subleaf == 0) d |= kAmx;
  if (leaf == 7 && subleaf == 1 && avx_vnni) a |= kAvxVnni;
  general_register(at, 0) = a;
  general_register(at, 1) = c;
  general_register(at, 2) = d;
  general_register(at, 3) = b;
}

void answer_xgetbv(ucontext_t& at) {
  constexpr unsigned kTiles = 3U << 17;
  unsigned low = 0, high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  general_register(at, 0) = low | kTiles;
  general_register(at, 2) = high;
}

bool answer_question(ucontext_t& at) {
  greg_t& counter = at.uc_mcontext.gregs[REG_RIP];
  for (std::size_t i = 0; i < question_count; ++i) {
    if (questions[i].address != static_cast<std::uint64_t>(counter)) continue;
    questions[i].xgetbv ? answer_xgetbv(at) : answer_cpuid(at);
    counter += questions[i].xgetbv ? sizeof kXgetbv : sizeof kCpuid;
    return true;
  }
  return false;
}

void on_illegal_instruction(int /*signal*/, siginfo_t* /*info*/, void* context) {
  auto& at = *static_cast<ucontext_t*>(context);
  if (answer_question(at)) return;
  const auto what = decode(at);
  if (!what) give_up("an instruction that is neither AMX's nor AVX-VNNI's");
  const char* why = run_tiles(*what);
  if (why != nullptr && *why == '\0') why = run_vectors(*what, at);
  if (why != nullptr) give_up(*why == '\0' ? "an instruction that it does not know" : why);
  at.uc_mcontext.gregs[REG_RIP] += static_cast<greg_t>(what->length);
}

void replace(std::uint8_t* code, std::size_t size) {
  const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  const auto first = reinterpret_cast<std::uint64_t>(code) / page * page;
  const auto bytes = reinterpret_cast<std::uint64_t>(code) + size - first;
  auto* start = reinterpret_cast<void*>(first);
  if (mprotect(start, bytes, PROT_READ | PROT_WRITE | PROT_EXEC) != 0)
    give_up("cannot change code");
  std::memcpy(code, kUndefined, sizeof kUndefined);
  if (mprotect(start, bytes, PROT_READ | PROT_EXEC) != 0) give_up("cannot protect code");
}

/// What the functions of src/encode/cpu.cc ask; elsewhere the same bytes may mean something else.
void take_over(std::uint8_t* code, std::size_t size) {
  for (std::size_t i = 0; i + sizeof kXgetbv <= size; ++i) {
    const bool xgetbv = std::memcmp(code + i, kXgetbv, sizeof kXgetbv) == 0;
    if (!xgetbv && std::memcmp(code + i, kCpuid, sizeof kCpuid) != 0) continue;
    if (question_count == std::size(questions)) give_up("too many questions about the processor");
    questions[question_count++] = {reinterpret_cast<std::uint64_t>(code + i), xgetbv};
    replace(code + i, sizeof kXgetbv);
  }
}

bool asks_the_processor(std::string_view function) {
  if (function.find("vecmill6encode") == function.npos) return false;
  for (const std::string_view name : {"cpuid", "cpu_features", "system_saves_tiles"}) {
    if (function.find(name) != function.npos) return true;
  }
  return false;
}

std::uint64_t load_address() {
  std::uint64_t address = 0;
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* out) {
        *static_cast<std::uint64_t*>(out) = info->dlpi_addr;
        return 1;  // the program is the first
      },
      &address);
  return address;
}

void read_symbols(const std::uint8_t* file) {
  const auto* header = reinterpret_cast<const Elf64_Ehdr*>(file);
  const auto* sections = reinterpret_cast<const Elf64_Shdr*>(file + header->e_shoff);
  const std::uint64_t base = load_address();
  for (unsigned s = 0; s < header->e_shnum; ++s) {
    if (sections[s].sh_type != SHT_SYMTAB) continue;
    const auto* symbols = reinterpret_cast<const Elf64_Sym*>(file + sections[s].sh_offset);
    const auto* names =
        reinterpret_cast<const char*>(file + sections[sections[s].sh_link].sh_offset);
    for (std::size_t i = 0; i < sections[s].sh_size / sizeof(Elf64_Sym); ++i) {
      if (ELF64_ST_TYPE(symbols[i].st_info) != STT_FUNC || symbols[i].st_shndx == SHN_UNDEF)
        continue;
      if (!asks_the_processor(names + symbols[i].st_name)) continue;
      take_over(reinterpret_cast<std::uint8_t*>(base + symbols[i].st_value), symbols[i].st_size);
    }
  }
}

__attribute__((constructor)) void start() {
  const int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  struct stat about = {};
  if (file < 0 || fstat(file, &about) != 0) give_up("cannot read the program");
  const auto size = static_cast<std::size_t>(about.st_size);
  void* bytes = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0);
  if (bytes == MAP_FAILED) give_up("cannot read the program");
  read_symbols(static_cast<const std::uint8_t*>(bytes));
  munmap(bytes, size);
  close(file);
  if (question_count == 0) return;  // a program that is not ours: a shell, say
  const char* only = std::getenv("VECMILL_EMULATED");
  avx_vnni = only == nullptr;
  if (only != nullptr && std::string_view(only) != "amx")
    give_up("VECMILL_EMULATED is amx or unset");
  struct sigaction action = {};
  action.sa_sigaction = on_illegal_instruction;
  action.sa_flags = SA_SIGINFO;
  if (sigaction(SIGILL, &action, nullptr) != 0) give_up("cannot handle signals");
}

}  // namespace
}  // namespace vecmill::processor

/// The C library's, but Linux grants the tiles.
extern "C" long syscall(long number, ...) {
  constexpr long kRequestPermission = 0x1023, kTileData = 18;
  using Call = long (*)(long, ...);
  static const auto next = reinterpret_cast<Call>(dlsym(RTLD_NEXT, "syscall"));
  long given[6];
  va_list all;
  va_start(all, number);
  for (long& argument : given) argument = va_arg(all, long);
  va_end(all);
  const long result = next(number, given[0], given[1], given[2], given[3], given[4], given[5]);
  const bool tiles =
      number == SYS_arch_prctl && given[0] == kRequestPermission && given[1] == kTileData;
  return tiles ? 0 : result;
}
