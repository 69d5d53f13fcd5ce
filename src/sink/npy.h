#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "vecmill/result.h"

namespace vecmill::sink {

/// Every header that is written here has this size, so that the row count can be put in last.
inline constexpr std::size_t kNpyHeaderBytes = 128;

struct NpyShape {
  std::uint64_t rows = 0;
  std::uint64_t dims = 0;
  bool half = false;  ///< float16, else float32; little-endian, C order
  std::size_t data_offset = kNpyHeaderBytes;
};

[[nodiscard]] std::string npy_header(const NpyShape& shape);

/// Reads the header of a whole file's bytes and checks that the data behind it is all there.
///   errors  kInvalidData, kUnsupported (another type, order or number of dimensions) at `where`
Result<NpyShape> parse_npy(std::string_view file, const std::string& where);

}  // namespace vecmill::sink
