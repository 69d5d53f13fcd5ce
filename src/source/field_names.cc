#include "vecmill/source/field_names.h"

#include <algorithm>
#include <array>
#include <utility>

namespace vecmill::source {
namespace {

constexpr std::array<std::string_view, 12> kTextNames = {
    "text",  "content",  "body",     "chunk_text", "page_content", "passage",
    "chunk", "document", "sentence", "abstract",   "description",  "contents"};
constexpr std::array<std::string_view, 9> kIdNames = {
    "id", "_id", "key", "chunk_id", "doc_id", "document_id", "passage_id", "uuid", "guid"};

bool same_name(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

std::string find_known(std::span<const std::string> names,
                       std::span<const std::string_view> known) {
  for (const std::string_view wanted : known) {
    for (const std::string& name : names) {
      if (same_name(name, wanted)) return name;
    }
  }
  return {};
}

std::string list(std::span<const std::string> names) {
  std::string text;
  for (const std::string& name : names.first(std::min<std::size_t>(names.size(), 10))) {
    text += (text.empty() ? "" : ", ") + name;
  }
  return text.empty() ? "none" : names.size() > 10 ? text + ", ..." : text;
}

Error missing(const std::string& name, std::span<const std::string> names,
              const std::string& where) {
  return make_error(ErrorKind::kInvalidData, "has no field \"" + name + "\"", where,
                    "the fields are: " + list(names));
}

bool has(std::span<const std::string> names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

Result<Fields> choose_fields(std::span<const std::string> names, const Fields& named,
                             const std::string& where) {
  Fields fields = named;
  if (!fields.text.empty() && !has(names, fields.text)) return missing(fields.text, names, where);
  if (!fields.id.empty() && !has(names, fields.id)) return missing(fields.id, names, where);
  if (fields.text.empty()) fields.text = find_known(names, kTextNames);
  if (fields.text.empty()) {
    return make_error(ErrorKind::kInvalidData,
                      "no field is known to hold the text; the fields are: " + list(names), where,
                      "name it with --text-field");
  }
  if (fields.id.empty()) fields.id = find_known(names, kIdNames);
  return fields;
}

}  // namespace vecmill::source
