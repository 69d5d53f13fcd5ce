#include "vecmill/engine/dtype.h"

#include <algorithm>
#include <array>

namespace vecmill::engine {
namespace {

constexpr std::array kAll{Dtype::kF32, Dtype::kBf16, Dtype::kInt8, Dtype::kInt8Compact};

std::optional<Dtype> find(std::string_view text) {
  const auto* found = std::ranges::find_if(kAll, [&](Dtype d) { return name(d) == text; });
  return found == kAll.end() ? std::nullopt : std::optional(*found);
}

}  // namespace

std::string_view name(Dtype dtype) {
  switch (dtype) {
    case Dtype::kF32: return "f32";
    case Dtype::kBf16: return "bf16";
    case Dtype::kInt8: return "int8";
    case Dtype::kInt8Compact: return "int8-compact";
  }
  return "unknown";
}

Result<std::optional<Dtype>> parse_dtype(std::string_view text) {
  if (text == "auto") return std::optional<Dtype>();
  if (const auto dtype = find(text)) return dtype;
  return make_error(ErrorKind::kInvalidArgument,
                    "there is no arithmetic '" + std::string(text) + "'", "--dtype",
                    "use auto, f32, bf16, int8 or int8-compact");
}

std::string dtype_of(std::string_view arithmetic) {
  const auto dtype = find(arithmetic.substr(0, arithmetic.find('/')));
  return dtype ? std::string(name(*dtype)) : "auto";
}

}  // namespace vecmill::engine
