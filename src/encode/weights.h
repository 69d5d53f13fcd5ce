#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/base/mapped_file.h"
#include "vecmill/encode/safetensors.h"
#include "vecmill/result.h"

namespace vecmill::encode {

/// Whether there is such a file; one that cannot be looked at counts, so that opening it says why.
bool is_there(const std::filesystem::path& path);

/// The tensors of one folder: model.safetensors, or the shards that model.safetensors.index.json
/// names. Mapped; nothing is converted before it is read.
class Weights {
 public:
  ///   errors  kNotFound (with the way out when there is only a pytorch_model.bin), kInvalidData
  static Result<Weights> open(const std::filesystem::path& folder);

  /// A single safetensors file under any name.
  static Result<Weights> open_file(const std::filesystem::path& path);

  /// The tensor in f32. `shape` is what the configuration demands.
  ///   errors  kInvalidData: missing, NaN; kMismatch: another shape; kUnsupported: another type
  Result<std::vector<float>> read(std::string_view name,
                                  std::initializer_list<std::uint64_t> shape) const;

  /// The same piece by piece, without ever holding the whole tensor. Stops at the first error.
  Status read_pieces(std::string_view name, std::initializer_list<std::uint64_t> shape,
                     const std::function<Status(std::span<const float>)>& use) const;

  /// A tensor of signed whole numbers: I8, I32 or I64.
  ///   errors  as `read`
  Result<std::vector<std::int64_t>> read_integers(std::string_view name,
                                                  std::initializer_list<std::uint64_t> shape) const;

  [[nodiscard]] const TensorInfo* find(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> names() const;
  [[nodiscard]] const std::vector<std::filesystem::path>& files() const { return paths_; }

 private:
  struct Place {
    std::size_t file = 0;
    TensorInfo info;
  };
  Result<const Place*> place(std::string_view name,
                             std::initializer_list<std::uint64_t> shape) const;
  Status add_file(const std::filesystem::path& path);
  Status add_shards(const std::filesystem::path& folder, const std::filesystem::path& index);

  std::vector<std::filesystem::path> paths_;
  std::vector<MappedFile> files_;
  std::map<std::string, Place, std::less<>> tensors_;
};

/// The file names that a model.safetensors.index.json maps each tensor to.
///   errors  kInvalidData, also for a name that would leave the folder
Result<std::map<std::string, std::string>> parse_weight_index(std::string_view json,
                                                              const std::string& where);

}  // namespace vecmill::encode
