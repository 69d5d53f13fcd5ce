#include <optional>
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

nlohmann::json source_json(const PackedSource& source) {
  return {{"name", source.name}, {"bytes", source.bytes}, {"sha256", source.sha256}};
}

std::optional<PackedSource> parse_source(const nlohmann::json& value) {
  if (!value.is_object() || !value.contains("name") || !value["name"].is_string() ||
      !value.contains("bytes") || !is_size(value["bytes"]) || !value.contains("sha256") ||
      !value["sha256"].is_string()) {
    return std::nullopt;
  }
  return PackedSource{value["name"].get<std::string>(), value["bytes"].get<std::uint64_t>(),
                      value["sha256"].get<std::string>()};
}

std::optional<PackedHead> parse_head(const nlohmann::json& value) {
  constexpr std::uint64_t kMostDims = 1 << 20;
  auto source = parse_source(value);
  if (!source || !value.contains("dims") || !is_size(value["dims"])) return std::nullopt;
  const auto dims = value["dims"].get<std::uint64_t>();
  if (dims == 0 || dims > kMostDims) return std::nullopt;
  return PackedHead{static_cast<std::uint32_t>(dims), *std::move(source)};
}

}  // namespace

std::string write_meta(const PackedMeta& meta) {
  nlohmann::json json = {{"configs", meta.configs},
                         {"tensors", nlohmann::json::object()},
                         {"weights", nlohmann::json::array()},
                         {"heads", nlohmann::json::object()}};
  for (const auto& [name, place] : meta.tensors) {
    json["tensors"][name] = {place.offset, place.floats};
  }
  for (const PackedSource& source : meta.weights) json["weights"].push_back(source_json(source));
  for (const auto& [name, head] : meta.heads) {
    json["heads"][name] = source_json(head.source);
    json["heads"][name]["dims"] = head.dims;
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
    auto source = parse_source(value);
    if (!source) return bad("'weights'");
    meta.weights.push_back(*std::move(source));
  }
  if (!part("heads").is_object()) return bad("'heads'");
  for (const auto& [name, value] : part("heads").items()) {
    auto head = parse_head(value);
    if (!head) return bad("'heads'");
    meta.heads.emplace(name, *std::move(head));
  }
  return meta;
}

}  // namespace vecmill::encode
