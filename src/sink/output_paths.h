#pragma once

#include <filesystem>

namespace vecmill::sink {

/// The names around an output X.npy, X.jsonl or X.db; `stem` is the path without the extension.
struct OutputPaths {
  std::filesystem::path out;
  std::filesystem::path ids;      ///< X.ids.txt, .npy only: one JSON string a line
  std::filesystem::path records;  ///< X.records.jsonl, .npy only: id, truncated, metadata of a row
  std::filesystem::path meta;     ///< X.meta.json, not for .db
  std::filesystem::path failed;   ///< X.failed.jsonl: id, kind, message
  std::filesystem::path report;   ///< X.report.json, written by the layer above
};

[[nodiscard]] OutputPaths output_paths(const std::filesystem::path& out);

}  // namespace vecmill::sink
