#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "vecmill/result.h"

namespace vecmill::encode {

/// Any JSON value, nested at most 64 deep; std::nullopt when it is not that. Never throws.
std::optional<nlohmann::json> parse_json(std::string_view text);

/// Typed reads from a small configuration object; errors name the file and the key.
class JsonReader {
 public:
  ///   errors  kInvalidData: not JSON, or not an object
  static Result<JsonReader> parse(std::string_view text, std::string where);

  /// A key that is absent or null gives the fallback; another type is kInvalidData.
  Result<std::uint32_t> size(const char* key, std::optional<std::uint32_t> fallback) const;
  Result<double> number(const char* key, double fallback) const;
  Result<bool> flag(const char* key, bool fallback) const;
  Result<std::string> text(const char* key, std::optional<std::string> fallback) const;

  /// The object under a key; an empty one when it is absent or null.
  Result<JsonReader> object(const char* key) const;

  [[nodiscard]] bool has(const char* key) const;
  [[nodiscard]] const nlohmann::json& json() const { return json_; }
  [[nodiscard]] const std::string& where() const { return where_; }
  [[nodiscard]] Error error(const std::string& message) const {
    return make_error(ErrorKind::kInvalidData, message, where_);
  }

 private:
  JsonReader(nlohmann::json json, std::string where)
      : json_(std::move(json)), where_(std::move(where)) {}
  nlohmann::json json_;
  std::string where_;
};

}  // namespace vecmill::encode
