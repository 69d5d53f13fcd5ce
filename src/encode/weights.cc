#include "vecmill/encode/weights.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <utility>

#include "vecmill/encode/json_reader.h"

namespace vecmill::encode {
namespace fs = std::filesystem;
namespace {

std::string tensor_name(const fs::path& file, std::string_view name) {
  return file.string() + ": tensor '" + std::string(name) + "'";
}

std::uint64_t count_of(std::initializer_list<std::uint64_t> shape) {
  std::uint64_t count = 1;
  for (const std::uint64_t extent : shape) count *= extent;
  return count;
}

/// Little-endian two's complement of `width` bytes each.
std::vector<std::int64_t> integers(const std::byte* bytes, std::size_t width, std::size_t count) {
  const std::uint64_t sign = std::uint64_t{1} << (8 * width - 1);
  std::vector<std::int64_t> values(count);
  for (std::int64_t& value : values) {
    std::uint64_t stored = 0;
    std::memcpy(&stored, bytes, width);
    value = static_cast<std::int64_t>((stored ^ sign) - sign);
    bytes += width;
  }
  return values;
}

}  // namespace

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

Result<const Weights::Place*> Weights::place(std::string_view name,
                                             std::initializer_list<std::uint64_t> shape) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) {
    return make_error(ErrorKind::kInvalidData, "tensor '" + std::string(name) + "' is missing",
                      paths_.front().string());
  }
  const Place& place = found->second;
  if (!std::equal(shape.begin(), shape.end(), place.info.shape.begin(), place.info.shape.end())) {
    return make_error(
        ErrorKind::kMismatch,
        "has the shape " + shape_text(place.info.shape) + ", the configuration demands " +
            shape_text({shape.begin(), shape.size()}),
        tensor_name(paths_[place.file], name), "config.json does not belong to these weights");
  }
  return &place;
}

Result<std::vector<float>> Weights::read(std::string_view name,
                                         std::initializer_list<std::uint64_t> shape) const {
  std::vector<float> values;
  VECMILL_TRY(read_pieces(name, shape, [&](std::span<const float> piece) -> Status {
    if (values.empty()) values.reserve(count_of(shape));  // now that the shape is known to fit
    values.insert(values.end(), piece.begin(), piece.end());
    return {};
  }));
  return values;
}

Status Weights::read_pieces(std::string_view name, std::initializer_list<std::uint64_t> shape,
                            const std::function<Status(std::span<const float>)>& use) const {
  constexpr std::uint64_t kPiece = 1U << 20;
  VECMILL_ASSIGN(const Place* const place, this->place(name, shape));
  const auto& [file, info] = *place;
  const std::uint64_t count = count_of(shape);
  if (count == 0) return {};
  const std::uint64_t width = info.bytes / count;  // of a value, in bytes
  std::vector<float> values;
  for (std::uint64_t first = 0; first < count; first += kPiece) {
    values.resize(std::min(kPiece, count - first));
    const auto bytes =
        files_[file].bytes().subspan(info.offset + first * width, values.size() * width);
    if (Status status = read_floats(bytes, info.dtype, values); !status) {
      Error error = std::move(status).error();
      error.where = tensor_name(paths_[file], name);
      return error;
    }
    VECMILL_TRY(use(values));
    files_[file].forget(bytes);
  }
  return {};
}

Result<std::vector<std::int64_t>> Weights::read_integers(
    std::string_view name, std::initializer_list<std::uint64_t> shape) const {
  VECMILL_ASSIGN(const Place* const place, this->place(name, shape));
  const auto& [file, info] = *place;
  const std::byte* bytes = files_[file].bytes().data() + info.offset;
  if (info.dtype == "I8") return integers(bytes, 1, count_of(shape));
  if (info.dtype == "I32") return integers(bytes, 4, count_of(shape));
  if (info.dtype == "I64") return integers(bytes, 8, count_of(shape));
  return make_error(ErrorKind::kUnsupported,
                    "numbers of type " + info.dtype + " are not supported here",
                    tensor_name(paths_[file], name), "I8, I32 and I64 are");
}

}  // namespace vecmill::encode
