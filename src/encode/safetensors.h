#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/result.h"

namespace vecmill::encode {

/// Where a tensor lies in a safetensors file, C order, little-endian.
struct TensorInfo {
  std::string dtype;  ///< "F32", "BF16", ... as the file names it
  std::vector<std::uint64_t> shape;
  std::uint64_t offset = 0;  ///< from the start of the file
  std::uint64_t bytes = 0;
};

using TensorTable = std::map<std::string, TensorInfo, std::less<>>;

/// Reads and checks the header of a safetensors file: the tensors cover the data without a hole or
/// an overlap, and end where the file ends.
///   errors  kInvalidData, kUnsupported naming a data type; a Git LFS pointer is recognised
Result<TensorTable> parse_safetensors(std::span<const std::byte> file, const std::string& where);

/// Converts F32, F16 or BF16 values to f32 exactly.
///   errors  kUnsupported naming another type, kInvalidData when a value is NaN or infinite
Status read_floats(std::span<const std::byte> bytes, std::string_view dtype, std::span<float> out);

/// "[384, 1536]"
[[nodiscard]] std::string shape_text(std::span<const std::uint64_t> shape);

}  // namespace vecmill::encode
