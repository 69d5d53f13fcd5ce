#include "vecmill/ledger/call.h"

#include <cstring>

#include "vecmill/base/json_text.h"
#include "vecmill/base/utf8.h"

namespace vecmill::ledger {
namespace {

constexpr std::size_t kTextBytes = sizeof(TextUse::key) + sizeof(TextUse::tokens);

Error wrong(const char* what, const char* hint) {
  return make_error(ErrorKind::kInvalidArgument, what, "call", hint);
}

}  // namespace

Status check(const Call& call) {
  for (const std::string* name : {&call.provider, &call.model, &call.tenant, &call.run}) {
    if (!is_valid_utf8(*name)) return wrong("a name is not UTF-8", "give it as UTF-8");
  }
  for (const auto& [key, value] : call.tags) {
    if (key.empty() || key.find('=') != std::string::npos)
      return wrong("a tag needs a key without '='", "write it as key=value");
    if (!is_valid_utf8(key) || !is_valid_utf8(value))
      return wrong("a tag is not UTF-8", "give it as UTF-8");
  }
  if (call.most_tokens > kMaxTokens)
    return wrong("more tokens than a call can have", "send smaller batches");
  return {};
}

std::vector<std::string> scopes_of(const Call& call) {
  std::vector<std::string> scopes{kEverything, run_scope(call.run)};
  if (!call.tenant.empty()) scopes.push_back(tenant_scope(call.tenant));
  for (const auto& [key, value] : call.tags) scopes.push_back(tag_scope(key, value));
  return scopes;
}

std::string run_scope(const std::string& run) { return "run:" + run; }
std::string tenant_scope(const std::string& tenant) { return "tenant:" + tenant; }
std::string tag_scope(const std::string& key, const std::string& value) {
  return "tag:" + key + "=" + value;
}

std::string tags_to_json(const Tags& tags) {
  std::string json = "{";
  for (const auto& [key, value] : tags) {
    if (json.size() > 1) json += ',';
    append_json_string(json, key);
    json += ':';
    append_json_string(json, value);
  }
  return json + "}";
}

Result<Tags> tags_from_json(std::string_view json) {
  const Error damaged =
      make_error(ErrorKind::kInvalidData, "the tags of a call are damaged", "ledger");
  std::vector<JsonField> fields;
  if (!is_valid_utf8(json) || scan_json_object(json, fields)) return damaged;
  Tags tags;
  for (const JsonField& field : fields) {
    std::string key;
    const auto value = json_string(field.value);
    if (!unescape_json(field.key, key) || !value) return damaged;
    tags.emplace(std::move(key), *value);
  }
  return tags;
}

std::string texts_to_bytes(const std::vector<TextUse>& texts) {
  std::string bytes(texts.size() * kTextBytes, '\0');
  char* at = bytes.data();
  for (const TextUse& text : texts) {
    std::memcpy(at, &text.key, sizeof text.key);
    std::memcpy(at + sizeof text.key, &text.tokens, sizeof text.tokens);
    at += kTextBytes;
  }
  return bytes;
}

std::vector<TextUse> texts_from_bytes(std::string_view bytes) {
  std::vector<TextUse> texts(bytes.size() / kTextBytes);
  const char* at = bytes.data();
  for (TextUse& text : texts) {
    std::memcpy(&text.key, at, sizeof text.key);
    std::memcpy(&text.tokens, at + sizeof text.key, sizeof text.tokens);
    at += kTextBytes;
  }
  return texts;
}

}  // namespace vecmill::ledger
