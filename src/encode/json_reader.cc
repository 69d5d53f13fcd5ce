#include "vecmill/encode/json_reader.h"

#include <utility>

namespace vecmill::encode {

std::optional<nlohmann::json> parse_json(std::string_view text) {
  constexpr int kDeepest = 64;  // copies and comparisons of a value recurse
  bool too_deep = false;
  const auto watch = [&](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
    too_deep |= depth > kDeepest;
    return !too_deep;
  };
  nlohmann::json json = nlohmann::json::parse(text, watch, false);
  if (too_deep || json.is_discarded()) return std::nullopt;
  return json;
}

Result<JsonReader> JsonReader::parse(std::string_view text, std::string where) {
  std::optional<nlohmann::json> json = parse_json(text);
  if (!json) return make_error(ErrorKind::kInvalidData, "is not valid JSON", std::move(where));
  if (!json->is_object()) {
    return make_error(ErrorKind::kInvalidData, "is not a JSON object", std::move(where));
  }
  return JsonReader(std::move(*json), std::move(where));
}

bool JsonReader::has(const char* key) const {
  const auto found = json_.find(key);
  return found != json_.end() && !found->is_null();
}

Result<std::uint32_t> JsonReader::size(const char* key,
                                       std::optional<std::uint32_t> fallback) const {
  if (!has(key)) {
    if (fallback) return *fallback;
    return error("has no '" + std::string(key) + "'");
  }
  const nlohmann::json& value = json_.at(key);
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > 1u << 30) {
    return error("'" + std::string(key) + "' is not a sensible whole number");
  }
  return value.get<std::uint32_t>();
}

Result<double> JsonReader::number(const char* key, double fallback) const {
  if (!has(key)) return fallback;
  if (!json_.at(key).is_number()) return error("'" + std::string(key) + "' is not a number");
  return json_.at(key).get<double>();
}

Result<bool> JsonReader::flag(const char* key, bool fallback) const {
  if (!has(key)) return fallback;
  if (!json_.at(key).is_boolean()) {
    return error("'" + std::string(key) + "' is neither true nor false");
  }
  return json_.at(key).get<bool>();
}

Result<std::string> JsonReader::text(const char* key, std::optional<std::string> fallback) const {
  if (!has(key)) {
    if (fallback) return *fallback;
    return error("has no '" + std::string(key) + "'");
  }
  if (!json_.at(key).is_string()) return error("'" + std::string(key) + "' is not a string");
  return json_.at(key).get<std::string>();
}

Result<JsonReader> JsonReader::object(const char* key) const {
  if (!has(key)) return JsonReader(nlohmann::json::object(), where_);
  if (!json_.at(key).is_object()) return error("'" + std::string(key) + "' is not an object");
  return JsonReader(json_.at(key), where_);
}

}  // namespace vecmill::encode
