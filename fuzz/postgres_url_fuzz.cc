// modules: postgres base
#include <cstddef>
#include <cstdint>
#include <string>

#include "vecmill/base/check.h"
#include "vecmill/postgres/url.h"

/// A URL is a table or an error, and neither shows its password.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vecmill;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto url = postgres::parse_url(text);
  VECMILL_CHECK(!url || (!url->table.empty() && url->shown == shown_place(text)));
  if (text.find_first_of("@/?&=%") != std::string::npos) return 0;
  const std::string with_password = "postgres://u:canary" + text + "@h/d?tabel=t";
  const auto wrong = postgres::parse_url(with_password);
  VECMILL_CHECK(!wrong && wrong.error().to_string().find("canary") == std::string::npos);
  return 0;
}
