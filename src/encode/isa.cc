#include "vecmill/encode/isa.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>

#include "vecmill/encode/cpu.h"
#include "vecmill/encode/transformer.h"

namespace vecmill::encode {
namespace {

constexpr std::array kAll{Isa::kPortable,   Isa::kAvx2,       Isa::kAvx2Vnni, Isa::kAvx512,
                          Isa::kAvx512Vnni, Isa::kAvx512Bf16, Isa::kAmx};

/// Those that are taken unasked, slowest first. Not AMX: its kernels have run in an emulator, but
/// the way to them (the system's grant) has run nowhere; who names it gets it.
constexpr std::array kAutomatic{Isa::kPortable, Isa::kAvx2,       Isa::kAvx2Vnni,
                                Isa::kAvx512,   Isa::kAvx512Vnni, Isa::kAvx512Bf16};

bool runs_here(Isa isa) {
  switch (isa) {
    case Isa::kPortable: return true;
    case Isa::kAvx2: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case Isa::kAvx512:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
    case Isa::kAvx2Vnni: return runs_here(Isa::kAvx2) && cpu_features().avx2_vnni;
    case Isa::kAvx512Vnni: return runs_here(Isa::kAvx512) && cpu_features().avx512_vnni;
    case Isa::kAvx512Bf16: return runs_here(Isa::kAvx512Vnni) && cpu_features().avx512_bf16;
    case Isa::kAmx: return runs_here(Isa::kAvx512) && cpu_features().amx;
  }
  return false;
}

std::string names(const std::vector<Isa>& isas) {
  std::string list;
  for (const Isa isa : isas) list += (list.empty() ? "" : ", ") + std::string(name(isa));
  return list;
}

}  // namespace

std::string_view name(Isa isa) {
  switch (isa) {
    case Isa::kPortable: return "portable";
    case Isa::kAvx2: return "avx2";
    case Isa::kAvx2Vnni: return "avx2_vnni";
    case Isa::kAvx512: return "avx512";
    case Isa::kAvx512Vnni: return "avx512_vnni";
    case Isa::kAvx512Bf16: return "avx512_bf16";
    case Isa::kAmx: return "amx";
  }
  return "unknown";
}

std::span<const Isa> all_isas() { return kAll; }

std::vector<Isa> available_isas() {
  std::vector<Isa> isas;
  std::copy_if(kAll.begin(), kAll.end(), std::back_inserter(isas), runs_here);
  return isas;
}

Result<Isa> choose_isa(std::string_view wanted) {
  const char* where = wanted.empty() ? "VECMILL_ISA" : "instruction set";
  if (wanted.empty()) {
    const char* variable = std::getenv("VECMILL_ISA");
    if (variable != nullptr) wanted = variable;
  }
  if (wanted.empty()) {
    return *std::find_if(kAutomatic.rbegin(), kAutomatic.rend(), runs_here);
  }
  const auto isa = std::find_if(kAll.begin(), kAll.end(), [&](Isa i) { return name(i) == wanted; });
  if (isa == kAll.end()) {
    return make_error(ErrorKind::kInvalidArgument,
                      "'" + std::string(wanted) + "' is not an instruction set", where,
                      "use one of " + names({kAll.begin(), kAll.end()}));
  }
  if (!runs_here(*isa)) {
    return make_error(ErrorKind::kUnsupported,
                      "this processor does not have " + std::string(wanted), where,
                      "use one of " + names(available_isas()));
  }
  return *isa;
}

std::optional<Activation> parse_activation(std::string_view name) {
  if (name == "gelu") return Activation::kGeluErf;
  if (name == "gelu_tanh") return Activation::kGeluTanh;
  if (name == "relu") return Activation::kRelu;
  if (name == "silu") return Activation::kSilu;
  if (name == "tanh") return Activation::kTanh;
  return std::nullopt;
}

}  // namespace vecmill::encode
