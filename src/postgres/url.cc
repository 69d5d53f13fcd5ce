#include "vecmill/postgres/url.h"

#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <set>

#include "vecmill/base/percent.h"
#include "vecmill/base/suggest.h"

namespace vecmill::postgres {
namespace {

constexpr std::array<std::string_view, 9> kOurs = {"table",  "schema",   "key",   "text", "vector",
                                                   "sparse", "metadata", "where", "adopt"};

Error bad(const Url& url, std::string message, std::string hint = {}) {
  return make_error(ErrorKind::kInvalidArgument, std::move(message), url.shown, std::move(hint));
}

/// "a,b" as columns; a comma inside a name is written %2C.
std::optional<std::vector<std::string>> decode_list(std::string_view text) {
  std::vector<std::string> names;
  for (std::size_t from = 0; from <= text.size();) {
    const auto comma = std::min(text.find(',', from), text.size());
    auto name = percent_decode(text.substr(from, comma - from));
    if (!name || name->empty()) return std::nullopt;
    names.push_back(std::move(*name));
    from = comma + 1;
  }
  return names;
}

using LibpqOptions = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;

std::vector<std::string_view> libpq_keywords(const LibpqOptions& options) {
  std::vector<std::string_view> words;
  for (const auto* option = options.get(); option && option->keyword; ++option) {
    words.emplace_back(option->keyword);
  }
  words.emplace_back("ssl");  // in URIs only: JDBC's word
  return words;
}

Status set_ours(Url& url, std::string_view name, std::string_view raw) {
  if (name == "key" || name == "metadata") {
    auto list = decode_list(raw);
    if (!list) return bad(url, std::string(name) + " is no list of columns", "write it like a,b");
    (name == "key" ? url.keys : url.metadata) = std::move(*list);
    return {};
  }
  auto value = percent_decode(raw);
  if (!value) return bad(url, "% without two hexadecimal digits in " + std::string(name));
  if (value->empty()) return bad(url, std::string(name) + " is empty");
  if (name == "adopt") {
    if (*value != "yes" && *value != "no") return bad(url, "adopt is neither yes nor no");
    url.adopt = *value == "yes";
    return {};
  }
  (name == "table"    ? url.table
   : name == "schema" ? url.schema
   : name == "text"   ? url.text
   : name == "vector" ? url.vector
   : name == "sparse" ? url.sparse
                      : url.where) = std::move(*value);
  return {};
}

/// libpq's own check of what is left for it. Its message may hold a piece of the password where
/// that is not encoded, so it is not repeated.
Status check_connection(const Url& url) {
  char* message = nullptr;
  const LibpqOptions parsed(PQconninfoParse(url.connection.reveal().c_str(), &message),
                            &PQconninfoFree);
  PQfreemem(message);
  if (parsed) return {};
  return bad(
      url, "is not a URL that libpq can read",
      "write special characters of user and password as %XX, or use PGPASSWORD or ~/.pgpass");
}

Result<Url> parse(const std::string& text) {
  Url url;
  url.shown = shown_place(text);
  if (!is_postgres_url(text)) return bad(url, "is not a URL of PostgreSQL");
  if (text.find('\0') != std::string::npos) return bad(url, "holds U+0000");
  const auto question = std::min(text.find('?'), text.size());
  std::string connection = text.substr(0, question);
  const LibpqOptions defaults(PQconndefaults(), &PQconninfoFree);
  std::vector<std::string_view> known = libpq_keywords(defaults);
  known.insert(known.begin(), kOurs.begin(), kOurs.end());
  std::set<std::string_view> seen;
  char joint = '?';
  for (std::size_t from = question + 1; from <= text.size() && question < text.size();) {
    const auto end = std::min(text.find('&', from), text.size());
    const std::string_view field = std::string_view(text).substr(from, end - from);
    from = end + 1;
    if (field.empty()) continue;
    const auto equals = field.find('=');
    const std::string_view name = field.substr(0, equals);
    if (std::ranges::find(known, name) == known.end()) {
      return bad(url, "has no parameter " + std::string(name), suggestion(name, known));
    }
    if (equals == std::string_view::npos) return bad(url, std::string(name) + " has no value");
    if (!seen.insert(name).second) return bad(url, std::string(name) + " is given twice");
    if (std::ranges::find(kOurs, name) != kOurs.end()) {
      VECMILL_TRY(set_ours(url, name, field.substr(equals + 1)));
    } else {
      connection += joint + std::string(field);
      joint = '&';
    }
  }
  url.connection = Secret(std::move(connection));
  VECMILL_TRY(check_connection(url));
  return url;
}

}  // namespace

Result<Url> parse_url(const std::string& text) {
  VECMILL_ASSIGN(Url url, parse(text));
  if (url.table.empty()) return bad(url, "names no table", "add ?table=NAME");
  return url;
}

Result<Url> parse_database(const std::string& text) {
  VECMILL_ASSIGN(Url url, parse(text));
  const bool more = !url.table.empty() || !url.keys.empty() || !url.text.empty() ||
                    !url.vector.empty() || !url.sparse.empty() || !url.where.empty() ||
                    !url.metadata.empty() || url.adopt;
  if (more) return bad(url, "names more than a database", "of ours it takes schema=S only");
  return url;
}

}  // namespace vecmill::postgres
