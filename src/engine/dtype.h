#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "vecmill/result.h"

namespace vecmill::engine {

/// In which numbers the products of a model's layers are taken.
enum class Dtype : std::uint8_t {
  kF32,
  kBf16,
  kInt8,
  kInt8Compact,  ///< the word embeddings in whole numbers too
};

[[nodiscard]] std::string_view name(Dtype dtype);

/// What --dtype says; nothing for "auto".
///   errors  kInvalidArgument
Result<std::optional<Dtype>> parse_dtype(std::string_view text);

/// What --dtype is called for vectors of this arithmetic ("bf16/1"): "auto" where the model
/// computes in its own.
[[nodiscard]] std::string dtype_of(std::string_view arithmetic);

}  // namespace vecmill::engine
