#include "vecmill/tokenize/json_node.h"

#include <algorithm>

namespace vecmill::tokenize {

std::optional<JsonNode> JsonNode::find(std::string_view key) const {
  simdjson::dom::element member;
  if (value_.at_key(key).get(member) != simdjson::SUCCESS || member.is_null()) return std::nullopt;
  return JsonNode(member, place_ + "." + std::string(key));
}

Result<JsonNode> JsonNode::at(std::string_view key) const {
  auto member = find(key);
  if (!member) return wrong("has no \"" + std::string(key) + "\"");
  return std::move(*member);
}

Result<std::vector<JsonNode>> JsonNode::items() const {
  simdjson::dom::array array;
  if (value_.get(array) != simdjson::SUCCESS) return wrong("is not an array");
  std::vector<JsonNode> nodes;
  for (const simdjson::dom::element item : array) {
    nodes.emplace_back(item, place_ + "[" + std::to_string(nodes.size()) + "]");
  }
  return nodes;
}

Result<std::vector<std::pair<std::string_view, JsonNode>>> JsonNode::members() const {
  simdjson::dom::object object;
  if (value_.get(object) != simdjson::SUCCESS) return wrong("is not an object");
  std::vector<std::pair<std::string_view, JsonNode>> nodes;
  for (const auto& [key, member] : object) {
    nodes.emplace_back(key, JsonNode(member, place_ + "." + std::string(key)));
  }
  return nodes;
}

Result<std::string_view> JsonNode::string() const {
  std::string_view text;
  if (value_.get(text) != simdjson::SUCCESS) return wrong("is not a string");
  return text;
}

Result<double> JsonNode::number() const {
  double number = 0;
  if (value_.get(number) != simdjson::SUCCESS) return wrong("is not a number");
  return number;
}

Result<std::int64_t> JsonNode::integer() const {
  std::int64_t number = 0;
  if (value_.get(number) != simdjson::SUCCESS) return wrong("is not a whole number");
  return number;
}

Result<bool> JsonNode::boolean() const {
  bool flag = false;
  if (value_.get(flag) != simdjson::SUCCESS) return wrong("is neither true nor false");
  return flag;
}

Result<std::string_view> JsonNode::string_at(std::string_view key) const {
  VECMILL_ASSIGN(const JsonNode node, at(key));
  return node.string();
}

Result<std::string_view> JsonNode::string_or(std::string_view key,
                                             std::string_view otherwise) const {
  const auto node = find(key);
  return node ? node->string() : Result<std::string_view>(otherwise);
}

Result<bool> JsonNode::bool_or(std::string_view key, bool otherwise) const {
  const auto node = find(key);
  return node ? node->boolean() : Result<bool>(otherwise);
}

Result<std::int64_t> JsonNode::integer_or(std::string_view key, std::int64_t otherwise) const {
  const auto node = find(key);
  return node ? node->integer() : Result<std::int64_t>(otherwise);
}

Status JsonNode::only(std::initializer_list<std::string_view> known) const {
  VECMILL_ASSIGN(const auto all, members());
  for (const auto& [key, node] : all) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      return unsupported("unknown field \"" + std::string(key) + "\"");
    }
  }
  return {};
}

Error JsonNode::wrong(std::string what) const {
  return make_error(ErrorKind::kInvalidData, std::move(what), place_);
}

Error JsonNode::unsupported(std::string what) const {
  return make_error(ErrorKind::kUnsupported, std::move(what), place_,
                    "this tokenizer needs something that Vecmill does not have");
}

}  // namespace vecmill::tokenize
