#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/result.h"

namespace vecmill::hub {

/// A tensor as a pickle of torch describes it; the numbers are in another file of the archive.
struct PickledTensor {
  std::string name;
  std::string dtype;                   ///< as safetensors calls it: F32, F16, BF16, I64, ...
  std::string storage;                 ///< the file `data/<storage>`
  std::uint64_t storage_elements = 0;  ///< what the pickle says that file holds
  std::uint64_t offset = 0;            ///< of the first element, in elements
  std::vector<std::uint64_t> shape;
  std::vector<std::uint64_t> strides;  ///< in elements
};

/// Reads a state dict (names to tensors, possibly under the key "state_dict") from `data.pkl`.
/// This is no Python: a pickle can only build containers, numbers, texts and tensors here. Every
/// other global is an error that names it, and so is every other instruction.
///   errors  kUnsupported naming the global or instruction, kInvalidData
Result<std::vector<PickledTensor>> read_state_dict(std::string_view pickle,
                                                   const std::string& where);

/// Bytes of one element of a dtype by its safetensors name; 0 for an unknown one.
[[nodiscard]] std::uint64_t element_bytes(std::string_view dtype);

}  // namespace vecmill::hub
