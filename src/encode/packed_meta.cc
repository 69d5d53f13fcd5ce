#include <utility>

#include "vecmill/encode/json_reader.h"
#include "vecmill/encode/packed_file.h"

namespace vecmill::encode {
namespace {

constexpr std::uint64_t kAlignment = 64;

bool is_size(const nlohmann::json& value) { return value.is_number_unsigned(); }

Result<PackedMeta::Place> parse_place(const std::string& name, const nlohmann::json& value,
                                      std::uint64_t data_bytes, const std::string& where) {
  PackedMeta::Place place;
  if (value.is_array() && value.size() == 2 && is_size(value[0]) && is_size(value[1])) {
    place = {value[0].get<std::uint64_t>(), value[1].get<std::uint64_t>()};
    if (place.offset % kAlignment == 0 && place.offset <= data_bytes &&
        place.floats <= (data_bytes - place.offset) / sizeof(float)) {
      return place;
    }
  }
  return make_error(ErrorKind::kInvalidData, "tensor '" + name + "' lies outside the data", where);
}

}  // namespace

std::string write_meta(const PackedMeta& meta) {
  nlohmann::json json = {{"configs", meta.configs},
                         {"tensors", nlohmann::json::object()},
                         {"weights", nlohmann::json::array()}};
  for (const auto& [name, place] : meta.tensors) {
    json["tensors"][name] = {place.offset, place.floats};
  }
  for (const PackedSource& source : meta.weights) {
    json["weights"].push_back(
        {{"name", source.name}, {"bytes", source.bytes}, {"sha256", source.sha256}});
  }
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Result<PackedMeta> parse_meta(std::string_view text, std::uint64_t data_bytes,
                              const std::string& where) {
  const auto bad = [&](const char* what) {
    return make_error(ErrorKind::kInvalidData, std::string("has no valid ") + what, where);
  };
  const auto parsed = parse_json(text);
  if (!parsed || !parsed->is_object()) return bad("description");
  const nlohmann::json& json = *parsed;
  const nlohmann::json none;
  const auto part = [&](const char* key) -> const nlohmann::json& {
    const auto found = json.find(key);
    return found == json.end() ? none : *found;
  };
  PackedMeta meta;
  if (!part("tensors").is_object()) return bad("'tensors'");
  for (const auto& [name, value] : part("tensors").items()) {
    VECMILL_ASSIGN(const PackedMeta::Place place, parse_place(name, value, data_bytes, where));
    meta.tensors.emplace(name, place);
  }
  if (!part("configs").is_object()) return bad("'configs'");
  for (const auto& [name, value] : part("configs").items()) {
    if (!value.is_string()) return bad("'configs'");
    meta.configs.emplace(name, value.get<std::string>());
  }
  if (!part("weights").is_array()) return bad("'weights'");
  for (const nlohmann::json& value : part("weights")) {
    if (!value.is_object() || !value.contains("name") || !value["name"].is_string() ||
        !value.contains("bytes") || !is_size(value["bytes"]) || !value.contains("sha256") ||
        !value["sha256"].is_string()) {
      return bad("'weights'");
    }
    meta.weights.push_back({value["name"].get<std::string>(), value["bytes"].get<std::uint64_t>(),
                            value["sha256"].get<std::string>()});
  }
  return meta;
}

}  // namespace vecmill::encode
