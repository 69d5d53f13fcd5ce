#include "vecmill/encode/weights.h"

#include <algorithm>
#include <set>
#include <utility>

#include "vecmill/encode/json_reader.h"

namespace vecmill::encode {
namespace fs = std::filesystem;

Result<std::map<std::string, std::string>> parse_weight_index(std::string_view json,
                                                              const std::string& where) {
  const auto bad = [&](std::string message) {
    return make_error(ErrorKind::kInvalidData, std::move(message), where);
  };
  const auto parsed = parse_json(json);
  if (!parsed) return bad("is not valid JSON");
  const nlohmann::json& index = *parsed;
  if (!index.is_object() || !index.contains("weight_map") || !index.at("weight_map").is_object()) {
    return bad("has no 'weight_map'");
  }
  std::map<std::string, std::string> map;
  for (const auto& [tensor, file] : index.at("weight_map").items()) {
    if (!file.is_string()) return bad("the file of tensor '" + tensor + "' is not a name");
    auto name = file.get<std::string>();
    if (name.empty() || name == ".." || name.find('/') != std::string::npos) {
      return bad("the file of tensor '" + tensor + "' is outside the folder");
    }
    map.emplace(tensor, std::move(name));
  }
  return map;
}

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::status(path, error).type() != fs::file_type::not_found;
}

Result<Weights> Weights::open(const fs::path& folder) {
  Weights weights;
  const fs::path single = folder / "model.safetensors";
  const fs::path index = folder / "model.safetensors.index.json";
  if (is_there(single)) {
    VECMILL_TRY(weights.add_file(single));
  } else if (is_there(index)) {
    VECMILL_TRY(weights.add_shards(folder, index));
  } else if (is_there(folder / "pytorch_model.bin")) {
    return make_error(ErrorKind::kUnsupported, "has its weights only as pytorch_model.bin",
                      folder.string(), "convert them once with 'vecmill import FOLDER'");
  } else {
    return make_error(ErrorKind::kNotFound, "has no model.safetensors", folder.string());
  }
  return weights;
}

Result<Weights> Weights::open_file(const fs::path& path) {
  Weights weights;
  VECMILL_TRY(weights.add_file(path));
  return weights;
}

Status Weights::add_file(const fs::path& path) {
  VECMILL_ASSIGN(MappedFile file, MappedFile::open(path));
  VECMILL_ASSIGN(TensorTable table, parse_safetensors(file.bytes(), path.string()));
  for (auto& [name, info] : table) {
    if (!tensors_.emplace(name, Place{files_.size(), std::move(info)}).second) {
      return make_error(ErrorKind::kInvalidData, "tensor '" + name + "' is in two shards",
                        path.string());
    }
  }
  files_.push_back(std::move(file));
  paths_.push_back(path);
  return {};
}

Status Weights::add_shards(const fs::path& folder, const fs::path& index) {
  VECMILL_ASSIGN(const std::string json, read_file(index));
  VECMILL_ASSIGN(const auto map, parse_weight_index(json, index.string()));
  std::set<std::string> shards;
  for (const auto& [tensor, file] : map) shards.insert(file);
  for (const std::string& shard : shards) VECMILL_TRY(add_file(folder / shard));
  for (const auto& [tensor, file] : map) {
    const auto place = tensors_.find(tensor);
    if (place == tensors_.end() || paths_[place->second.file].filename() != file) {
      return make_error(ErrorKind::kInvalidData,
                        "tensor '" + tensor + "' is not in " + file + " as the index says",
                        index.string());
    }
  }
  return {};
}

const TensorInfo* Weights::find(std::string_view name) const {
  const auto place = tensors_.find(name);
  return place == tensors_.end() ? nullptr : &place->second.info;
}

std::vector<std::string> Weights::names() const {
  std::vector<std::string> names;
  for (const auto& [name, place] : tensors_) names.push_back(name);
  return names;
}

Result<std::vector<float>> Weights::read(std::string_view name,
                                         std::initializer_list<std::uint64_t> shape) const {
  std::vector<float> values;
  VECMILL_TRY(read_pieces(name, shape, [&](std::span<const float> piece) -> Status {
    values.insert(values.end(), piece.begin(), piece.end());
    return {};
  }));
  return values;
}

Status Weights::read_pieces(std::string_view name, std::initializer_list<std::uint64_t> shape,
                            const std::function<Status(std::span<const float>)>& use) const {
  constexpr std::uint64_t kPiece = 1U << 20;
  const auto place = tensors_.find(name);
  if (place == tensors_.end()) {
    return make_error(ErrorKind::kInvalidData, "tensor '" + std::string(name) + "' is missing",
                      paths_.front().string());
  }
  const auto& [file, info] = place->second;
  const std::string where = paths_[file].string() + ": tensor '" + std::string(name) + "'";
  if (!std::equal(shape.begin(), shape.end(), info.shape.begin(), info.shape.end())) {
    return make_error(ErrorKind::kMismatch,
                      "has the shape " + shape_text(info.shape) + ", the configuration demands " +
                          shape_text({shape.begin(), shape.size()}),
                      where, "config.json does not belong to these weights");
  }
  std::uint64_t count = 1;
  for (const std::uint64_t extent : shape) count *= extent;
  if (count == 0) return {};
  const std::uint64_t width = info.bytes / count;  // of a value, in bytes
  std::vector<float> values;
  for (std::uint64_t first = 0; first < count; first += kPiece) {
    values.resize(std::min(kPiece, count - first));
    const auto bytes =
        files_[file].bytes().subspan(info.offset + first * width, values.size() * width);
    if (Status status = read_floats(bytes, info.dtype, values); !status) {
      Error error = std::move(status).error();
      error.where = where;
      return error;
    }
    VECMILL_TRY(use(values));
    files_[file].forget(bytes);
  }
  return {};
}

}  // namespace vecmill::encode
