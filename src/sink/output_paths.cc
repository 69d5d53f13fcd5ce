#include "vecmill/sink/output_paths.h"

#include <string>

namespace vecmill::sink {

OutputPaths output_paths(const std::filesystem::path& out) {
  std::filesystem::path bare = out;
  const std::string stem = bare.replace_extension().string();
  return {out,
          stem + ".ids.txt",
          stem + ".records.jsonl",
          stem + ".meta.json",
          stem + ".failed.jsonl",
          stem + ".report.json"};
}

}  // namespace vecmill::sink
