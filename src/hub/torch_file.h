#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/hub/pickle.h"
#include "vecmill/hub/zip.h"
#include "vecmill/result.h"

namespace vecmill::hub {

/// What torch.save writes since torch 1.6 (`pytorch_model.bin`, `.pt`): a zip archive of a pickle
/// and the numbers. When it is opened, every tensor is checked against the numbers there are, and
/// those against their CRC.
class TorchFile {
 public:
  /// `file` must outlive the object; `where` names it in errors.
  ///   errors  kInvalidData, kUnsupported (files of an older torch; anything but tensors)
  static Result<TorchFile> open(std::span<const std::byte> file, const std::string& where);

  [[nodiscard]] const std::vector<PickledTensor>& tensors() const { return tensors_; }

  /// The elements in row-major order, in pieces.
  ///   errors  what `sink` returns
  [[nodiscard]] Status read(const PickledTensor& tensor,
                            const std::function<Status(std::string_view)>& sink) const;

 private:
  explicit TorchFile(ZipReader zip) : zip_(std::move(zip)) {}
  Status check(const PickledTensor& tensor, const std::string& where) const;
  /// Null when there are none.
  [[nodiscard]] const ZipEntry* numbers_of(const PickledTensor& tensor) const;

  ZipReader zip_;
  std::string root_;  ///< "archive/"
  std::vector<PickledTensor> tensors_;
};

/// Writes the tensors of a torch file as a safetensors file, piece by piece.
///   errors  as TorchFile::open, and what `sink` returns
Status convert_to_safetensors(std::span<const std::byte> torch_file, const std::string& where,
                              const std::function<Status(std::string_view)>& sink);

}  // namespace vecmill::hub
