// modules: qdrant base
#include <cstddef>
#include <cstdint>
#include <string>

#include "vecmill/base/check.h"
#include "vecmill/place.h"
#include "vecmill/qdrant/url.h"

/// A URL is a collection or an error, and neither shows a key.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vecmill;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto url = qdrant::parse_url(text);
  VECMILL_CHECK(!url || (!url->collection.empty() && url->shown == shown_place(text)));
  VECMILL_CHECK(!url || url->base.starts_with("http"));
  if (text.find_first_of("&?#") != std::string::npos) return 0;
  for (const std::string& with_key :
       {"qdrants://canary" + text + "@h/c", "qdrants://h/c?api_key=canary" + text}) {
    const auto wrong = qdrant::parse_url(with_key);
    VECMILL_CHECK(!wrong && wrong.error().to_string().find("canary") == std::string::npos);
  }
  return 0;
}
