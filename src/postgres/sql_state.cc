#include "vecmill/postgres/sql_state.h"

#include <algorithm>
#include <array>

namespace vecmill::postgres {
namespace {

struct Meaning {
  std::string_view prefix;  ///< of the SQLSTATE; the first that fits counts
  ErrorKind kind;
  bool quote;  ///< whether the server's words are repeated: they cannot hold a text
  std::string_view hint;
};

constexpr auto kMeanings = std::to_array<Meaning>({
    {"42P01", ErrorKind::kNotFound, true, ""},
    {"42703", ErrorKind::kNotFound, true, ""},
    {"42704", ErrorKind::kNotFound, true, "is pgvector there? --create makes its extension"},
    {"3F000", ErrorKind::kNotFound, true, ""},
    {"3D000", ErrorKind::kNotFound, true, ""},
    {"58P01", ErrorKind::kNotFound, true, "install pgvector on the server"},
    {"42501", ErrorKind::kAuth, true, "ask the owner for the permission"},
    {"28", ErrorKind::kAuth, true, "PGPASSWORD and ~/.pgpass count as they do for psql"},
    {"42", ErrorKind::kInvalidArgument, true, ""},
    {"0A000", ErrorKind::kUnsupported, true, ""},
    {"22P05", ErrorKind::kInvalidData, false, ""},
    {"21", ErrorKind::kInvalidData, false, "two ids are one key in the column's type"},
    {"22", ErrorKind::kInvalidData, false, "an id or metadata does not fit its column's type"},
    {"23", ErrorKind::kInvalidData, false, "a constraint of the table refuses the row"},
    {"53100", ErrorKind::kIo, true, ""},
    {"53", ErrorKind::kUnavailable, true, ""},
    {"25006", ErrorKind::kIo, true, "is it a replica? Give the primary server"},
    {"08", ErrorKind::kUnavailable, true, ""},
    {"57", ErrorKind::kUnavailable, true, ""},
    {"40", ErrorKind::kUnavailable, true, ""},
});

}  // namespace

bool is_lost(std::string_view state) {
  return state.empty() || state.starts_with("08") || state.starts_with("57P");
}

bool is_transient(std::string_view state) {
  constexpr auto kOthers = std::to_array<std::string_view>({"40001", "40P01", "55P03", "53300"});
  return is_lost(state) || std::ranges::find(kOthers, state) != kOthers.end();
}

Error to_error(const Failure& failure, const std::string& where) {
  if (failure.state.empty()) return make_error(ErrorKind::kUnavailable, failure.message, where);
  const auto meaning = std::ranges::find_if(
      kMeanings, [&](const Meaning& m) { return failure.state.starts_with(m.prefix); });
  if (meaning == kMeanings.end()) {
    return make_error(ErrorKind::kIo, "the server refused a statement (" + failure.state + ")",
                      where);
  }
  const std::string said = meaning->quote ? failure.message : "the server refused a row";
  return make_error(meaning->kind, said + " (" + failure.state + ")", where,
                    std::string(meaning->hint));
}

}  // namespace vecmill::postgres
