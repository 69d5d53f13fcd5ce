#include "vecmill/remote/request.h"

#include "vecmill/base/json_text.h"

namespace vecmill::remote {
namespace {

void add_member(std::string& out, std::string_view name) {
  out += out.size() > 1 ? "," : "";
  append_json_string(out, name);
  out += ':';
}

void add_members(std::string& out, std::string_view members) {
  if (members.empty()) return;
  out += ',';
  out += members;
}

}  // namespace

std::string provider_name(const RemoteModel& model) {
  return model.provider.empty() ? std::string(model.dialect->name) : model.provider;
}

std::string full_name(const RemoteModel& model) { return provider_name(model) + ":" + model.name; }

std::string_view role_name(const Dialect& dialect, Role role) {
  if (role == Role::kNone) return dialect.no_role;
  return role == Role::kQuery ? dialect.query_role : dialect.document_role;
}

std::string request_body(const RemoteModel& model, std::span<const std::string_view> texts,
                         Role role) {
  const Dialect& dialect = *model.dialect;
  std::size_t bytes = 256;
  for (const std::string_view text : texts) bytes += text.size() + text.size() / 8 + 3;
  std::string out;
  out.reserve(bytes);
  out += '{';
  add_member(out, "model");
  append_json_string(out, model.name);
  add_member(out, dialect.texts_field);
  char before = '[';
  for (const std::string_view text : texts) {
    out += before;
    append_json_string(out, text);
    before = ',';
  }
  out += ']';
  if (const auto name = role_name(dialect, role); !name.empty()) {
    add_member(out, dialect.role_field);
    append_json_string(out, name);
  }
  if (model.dims > 0) {
    add_member(out, dialect.dims_field);
    out += std::to_string(model.dims);
  }
  add_members(out, dialect.encoding);
  add_members(out, dialect.no_cutting);
  out += '}';
  return out;
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
