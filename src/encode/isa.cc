#include "vecmill/encode/isa.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>

#include "vecmill/encode/transformer.h"

namespace vecmill::encode {
namespace {

constexpr std::array kAll{Isa::kPortable, Isa::kAvx2, Isa::kAvx512};

bool runs_here(Isa isa) {
  switch (isa) {
    case Isa::kPortable: return true;
    case Isa::kAvx2: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case Isa::kAvx512:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
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
    case Isa::kAvx512: return "avx512";
  }
  return "unknown";
}

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
  if (wanted.empty()) return available_isas().back();
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
