#include "vecmill/remote/request.h"

#include "vecmill/base/json_text.h"
#include "vecmill/base/percent.h"

namespace vecmill::remote {
namespace {

void add_member(std::string& out, std::string_view name) {
  if (!out.empty() && !out.ends_with('{')) out += ',';
  append_json_string(out, name);
  out += ':';
}

void add_members(std::string& out, std::string_view members) {
  if (members.empty()) return;
  if (!out.empty()) out += ',';
  out += members;
}

void add_settings(std::string& out, const RemoteModel& model, Role role) {
  const Dialect& dialect = *model.dialect;
  if (const auto name = role_name(model, role); !name.empty()) {
    add_member(out, dialect.role_field);
    append_json_string(out, name);
  }
  if (model.dims > 0) {
    add_member(out, dialect.dims_field);
    out += std::to_string(model.dims);
  }
  add_members(out, dialect.encoding);
  add_members(out, dialect.no_cutting);
}

void add_ids(std::string& out, const TokenIds& ids) {
  char before = '[';
  for (const TokenId id : ids) {
    out += before;
    out += std::to_string(id);
    before = ',';
  }
  out += ']';
}

void add_texts(std::string& out, const RemoteModel& model, std::span<const std::string_view> texts,
               Role role, std::span<const TokenIds> ids) {
  const Dialect& dialect = *model.dialect;
  out += '{';
  if (!dialect.model_field.empty()) {
    add_member(out, dialect.model_field);
    append_json_string(out, model.name);
  }
  add_member(out, dialect.texts_field);
  char before = '[';
  for (std::size_t i = 0; i < texts.size(); ++i) {
    out += before;
    if (ids.empty()) {
      append_json_string(out, texts[i]);
    } else {
      add_ids(out, ids[i]);
    }
    before = ',';
  }
  out += ']';
  add_settings(out, model, role);
  out += '}';
}

/// Each text is a request with its own settings: several parts of one content have one vector.
void add_contents(std::string& out, const RemoteModel& model,
                  std::span<const std::string_view> texts, Role role) {
  std::string settings;
  add_settings(settings, model, role);
  out += R"({"requests":)";
  char before = '[';
  for (const std::string_view text : texts) {
    out += before;
    out += R"({"model":)";
    append_json_string(out, "models/" + model.name);
    out += R"(,"content":{"parts":[{"text":)";
    append_json_string(out, text);
    out += R"(}],"role":"user"})";
    add_members(out, settings);
    out += '}';
    before = ',';
  }
  out += "]}";
}

}  // namespace

std::string provider_name(const RemoteModel& model) {
  return model.provider.empty() ? std::string(model.dialect->name) : model.provider;
}

std::string full_name(const RemoteModel& model) { return provider_name(model) + ":" + model.name; }

std::string_view role_name(const RemoteModel& model, Role role) {
  const Dialect& dialect = *model.dialect;
  if (find_model(dialect.name, model.name).roleless) return {};
  if (dialect.prompts_by_name && role != Role::kNone) {
    return role == Role::kQuery ? model.query_prompt : model.document_prompt;
  }
  if (role == Role::kNone) return dialect.no_role;
  return role == Role::kQuery ? dialect.query_role : dialect.document_role;
}

std::string request_body(const RemoteModel& model, std::span<const std::string_view> texts,
                         Role role, std::span<const TokenIds> ids) {
  const bool contents = model.dialect->request == RequestShape::kContents;
  const std::size_t around = contents ? 192 + model.name.size() : 3;
  std::size_t bytes = 256;
  for (const std::string_view text : texts) bytes += text.size() + text.size() / 8 + around;
  std::string out;
  out.reserve(bytes);
  contents ? add_contents(out, model, texts, role) : add_texts(out, model, texts, role, ids);
  return out;
}

bool takes_tokens(const RemoteModel& model) {
  return model.at_vendor && model.dialect->meters_bytes;
}

std::vector<TokenIds> cheaper_tokens(const RemoteModel& model,
                                     std::span<const std::string_view> texts,
                                     const TokensOf& tokens_of) {
  constexpr std::size_t kShort = 8192;
  if (!tokens_of || !takes_tokens(model)) return {};
  if (texts.size() == 1 && texts[0].size() < kShort) return {};
  std::size_t bytes = 0, tokens = 0;
  std::vector<TokenIds> all;
  for (const std::string_view text : texts) {
    auto ids = tokens_of(text);
    if (!ids || ids->empty()) return {};
    bytes += text.size();
    tokens += ids->size();
    all.push_back(*std::move(ids));
  }
  return tokens < bytes / 4 ? all : std::vector<TokenIds>();
}

std::string request_url(const RemoteModel& model) {
  constexpr std::string_view kName = "{model}";
  std::string path(model.dialect->path);
  if (const auto at = path.find(kName); at != std::string::npos) {
    path.replace(at, kName.size(), percent_encode(model.name));
  }
  return model.base_url + path;
}

std::vector<http::Header> request_headers(const Dialect& dialect, const Secret& key) {
  std::vector<http::Header> headers{{"Content-Type", "application/json"},
                                    {"Accept", "application/json"}};
  if (!key.empty()) {
    headers.push_back(
        {std::string(dialect.key_header), std::string(dialect.key_prefix) + key.reveal()});
  }
  return headers;
}

std::string default_base_url(const Dialect& dialect, const Secret& key) {
  if (dialect.name == "voyage" && key.reveal().starts_with("al-")) {
    return "https://ai.mongodb.com/v1";
  }
  return std::string(dialect.base_url);
}

}  // namespace vecmill::remote
