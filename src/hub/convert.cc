#include "vecmill/hub/convert.h"

#include <utility>

#include "vecmill/base/mapped_file.h"
#include "vecmill/hub/file_selection.h"
#include "vecmill/hub/torch_file.h"

namespace vecmill::hub {
namespace {

constexpr std::string_view kPickledIndex = "pytorch_model.bin.index.json";
constexpr std::string_view kIndex = "model.safetensors.index.json";

Result<StagedFile> convert_weights(Staging& staging, const StagedFile& from) {
  VECMILL_ASSIGN(const MappedFile file, MappedFile::open(from.temporary));
  const std::string& path = from.locked.path;
  return staging.write(safetensors_name(path), [&](const ByteSink& sink) {
    return convert_to_safetensors(file.bytes(), path, sink);
  });
}

Result<StagedFile> convert_index_file(Staging& staging, const StagedFile& from) {
  VECMILL_ASSIGN(const std::string json, read_file(from.temporary));
  VECMILL_ASSIGN(const std::string converted, convert_index(json, from.locked.path));
  std::string path = from.locked.path;
  path.replace(path.size() - kPickledIndex.size(), kPickledIndex.size(), kIndex);
  return staging.write(path, [&](const ByteSink& sink) { return sink(converted); });
}

}  // namespace

Status convert_pickled(Staging& staging, std::vector<StagedFile>& all) {
  for (StagedFile& file : all) {
    const bool index = file.locked.path.ends_with(kPickledIndex);
    if (!index && !is_pickled(file.locked.path)) continue;
    VECMILL_ASSIGN(StagedFile converted,
                   index ? convert_index_file(staging, file) : convert_weights(staging, file));
    VECMILL_TRY(staging.files().remove(file.temporary));
    converted.locked.from = file.locked.path + " sha256:" + file.locked.sha256;
    file = std::move(converted);
  }
  return {};
}

}  // namespace vecmill::hub
