#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "vecmill/result.h"
#include "vecmill/sink.h"

namespace vecmill::sink {

/// The rows of a finished output; how they are kept depends on the file.
class Rows {
 public:
  virtual ~Rows() = default;

  /// Row `i`, [dims]; valid until the next call with the same scratch, which it may use.
  virtual std::span<const float> row(std::size_t i, std::vector<float>& scratch) const = 0;
};

/// A finished output read back: row i belongs to ids[i]. Safe from many threads.
struct Index {
  SpaceInfo info;
  std::vector<std::string> ids;  ///< [n]
  std::unique_ptr<const Rows> rows;

  [[nodiscard]] std::size_t size() const { return ids.size(); }
  std::span<const float> row(std::size_t i, std::vector<float>& scratch) const {
    return rows->row(i, scratch);
  }
};

/// Reads what a sink wrote to `path` (.npy mapped with its side files, .jsonl, .db).
///   errors  kNotFound, kIo; kMismatch: it holds no dense vectors; kInvalidData when a file is
///   damaged or the files contradict each other
Result<Index> read_index(const std::string& path);

/// Calls `each` for every id of X.ids.txt, in order.
///   errors  kNotFound, kIo; kInvalidData naming the line; those of `each`
Status each_id(const std::filesystem::path& ids, const std::function<Status(std::string)>& each);

}  // namespace vecmill::sink
