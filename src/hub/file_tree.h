#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/hub/staging.h"
#include "vecmill/result.h"

namespace vecmill::hub {

/// Files below a folder or in an archive, alike.
class FileTree {
 public:
  virtual ~FileTree() = default;

  /// Paths with '/' between the parts, sorted.
  [[nodiscard]] virtual const std::vector<std::string>& paths() const = 0;

  /// Gives the content of one of them to `sink`, in pieces.
  ///   errors  kIo, kInvalidData, kUnsupported, and what `sink` returns
  virtual Status stream(const std::string& path, const ByteSink& sink) const = 0;
};

/// Opens a folder, or a wheel or zip by its content.
///   errors  kNotFound, kIo, kInvalidData, kUnsupported
Result<std::unique_ptr<FileTree>> open_tree(const std::filesystem::path& path);

/// A small file of the tree.
///   errors  as FileTree::stream; kInvalidData when it is larger than `limit` bytes
Result<std::string> read_from(const FileTree& tree, const std::string& path, std::size_t limit);

}  // namespace vecmill::hub
