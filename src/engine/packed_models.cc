#include "vecmill/engine/packed_models.h"

#include <algorithm>
#include <string>
#include <system_error>
#include <vector>

#include "vecmill/base/file_system.h"
#include "vecmill/base/hash.h"
#include "vecmill/encode/encoder.h"
#include "vecmill/encode/packed_file.h"
#include "vecmill/engine/calibration.h"
#include "vecmill/hub/store.h"
#include "vecmill/provider/local_provider.h"

namespace vecmill::engine {
namespace {

namespace fs = std::filesystem;

/// Packed format, path, name, size and time of every file in the folder: another file, another
/// name.
Result<std::string> folder_key(const fs::path& folder) {
  std::error_code error;
  std::vector<std::string> files;
  for (fs::recursive_directory_iterator it(folder, error), end; it != end && !error;
       it.increment(error)) {
    if (!it->is_regular_file(error)) continue;
    const auto time = it->last_write_time(error).time_since_epoch().count();
    files.push_back(it->path().lexically_relative(folder).string() + '\n' +
                    std::to_string(it->file_size(error)) + '\n' + std::to_string(time));
  }
  if (error) return make_error(ErrorKind::kIo, "cannot read: " + error.message(), folder.string());
  std::sort(files.begin(), files.end());
  Sha256 hash;
  hash.update(std::to_string(encode::kPackedVersion) + '\n');
  hash.update(fs::weakly_canonical(folder, error).string());
  for (const std::string& file : files) hash.update('\0' + file);
  return hash.hex();
}

}  // namespace

std::string packed_ending(Dtype dtype) {
  return (dtype == Dtype::kF32 ? "" : "." + std::string(name(dtype))) + ".vecmill";
}

Result<fs::path> kept_file(const fs::path& model_folder, std::string_view ending) {
  VECMILL_ASSIGN(const auto paths, hub::StorePaths::from_environment());
  VECMILL_ASSIGN(const std::string key, folder_key(model_folder));
  const fs::path folder = paths.home / "packed";
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    return make_error(ErrorKind::kIo, "cannot create: " + error.message(), folder.string());
  }
  fs::permissions(paths.home, fs::perms::owner_all, error);
  return folder / (key.substr(0, 32) + std::string(ending));
}

Result<fs::path> packed_file_of(const fs::path& model_folder, Dtype dtype) {
  VECMILL_ASSIGN(const fs::path file, kept_file(model_folder, packed_ending(dtype)));
  std::error_code error;
  if (fs::exists(file, error)) return file;
  if (dtype == Dtype::kF32 || dtype == Dtype::kBf16) {
    VECMILL_TRY(dtype == Dtype::kF32 ? encode::pack(model_folder, file)
                                     : encode::pack_bf16(model_folder, file));
    return file;
  }
  encode::Calibration calibration;
  VECMILL_ASSIGN(calibration.packed_f32, packed_file_of(model_folder));
  VECMILL_ASSIGN(calibration.texts, calibration_texts(model_folder));
  VECMILL_TRY(dtype == Dtype::kInt8 ? encode::pack_int8(model_folder, file, calibration)
                                    : encode::pack_int8_compact(model_folder, file, calibration));
  return file;
}

Result<fs::path> try_model(const fs::path& model_folder) {
  VECMILL_ASSIGN(const fs::path packed, packed_file_of(model_folder));
  provider::LocalOptions local;
  local.model_folder = model_folder;
  local.packed_file = packed;
  if (auto opened = provider::make_local_provider(local); !opened) {
    std::error_code error;
    fs::remove(packed, error);
    return std::move(opened).error();
  }
  return packed;
}

Status adopt_packed(const fs::path& packed, const fs::path& model_folder) {
  VECMILL_ASSIGN(const fs::path file, kept_file(model_folder, packed_ending(Dtype::kF32)));
  return real_files().rename(packed, file);
}

}  // namespace vecmill::engine
