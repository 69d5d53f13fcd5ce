#pragma once

#include <simdjson.h>

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/result.h"

namespace vecmill::tokenize {

/// A value in a tokenizer.json together with its place, so that every complaint can name it.
class JsonNode {
 public:
  JsonNode(simdjson::dom::element value, std::string place)
      : value_(value), place_(std::move(place)) {}

  [[nodiscard]] const std::string& place() const { return place_; }
  [[nodiscard]] simdjson::dom::element value() const { return value_; }
  [[nodiscard]] bool is_null() const { return value_.is_null(); }
  [[nodiscard]] bool is_object() const { return value_.is_object(); }
  [[nodiscard]] bool is_array() const { return value_.is_array(); }
  [[nodiscard]] bool is_string() const { return value_.is_string(); }

  /// A member; missing and null are the same thing.
  [[nodiscard]] std::optional<JsonNode> find(std::string_view key) const;
  Result<JsonNode> at(std::string_view key) const;
  Result<std::vector<JsonNode>> items() const;
  Result<std::vector<std::pair<std::string_view, JsonNode>>> members() const;

  Result<std::string_view> string() const;
  Result<double> number() const;
  Result<std::int64_t> integer() const;
  Result<bool> boolean() const;

  Result<std::string_view> string_at(std::string_view key) const;
  Result<std::string_view> string_or(std::string_view key, std::string_view otherwise) const;
  Result<bool> bool_or(std::string_view key, bool otherwise) const;
  Result<std::int64_t> integer_or(std::string_view key, std::int64_t otherwise) const;

  /// kUnsupported when the object has a member that is not among `known`.
  Status only(std::initializer_list<std::string_view> known) const;

  [[nodiscard]] Error wrong(std::string what) const;
  [[nodiscard]] Error unsupported(std::string what) const;

 private:
  simdjson::dom::element value_;
  std::string place_;
};

}  // namespace vecmill::tokenize
