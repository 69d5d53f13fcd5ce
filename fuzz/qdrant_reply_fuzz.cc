// modules: qdrant base
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/base/check.h"
#include "vecmill/base/json_text.h"
#include "vecmill/base/utf8.h"
#include "vecmill/qdrant/reply.h"

namespace {

using namespace vecmill;

void check_point(const qdrant::Point& point) {
  VECMILL_CHECK(!point.id.empty());
  VECMILL_CHECK(!point.text || is_valid_utf8(*point.text));
  std::vector<JsonField> fields;
  VECMILL_CHECK(point.metadata.empty() || !scan_json_object(point.metadata, fields));
}

void check_points(const Result<std::vector<qdrant::Point>>& points) {
  if (!points) return;
  for (const qdrant::Point& point : *points) check_point(point);
}

}  // namespace

/// The first byte picks the request, the rest is the body of its reply. What is understood can be
/// written again; what is not is an error without a byte of it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data + 1), size - 1);
  switch (data[0] % 7) {
    case 0: (void)qdrant::parse_version(body); break;
    case 1: {
      const auto collection = qdrant::parse_collection(body);
      std::vector<JsonField> fields;
      VECMILL_CHECK(!collection || collection->record.identity.empty() ||
                    !scan_json_object(collection->record.identity, fields));
      break;
    }
    case 2: check_points(qdrant::parse_points(body)); break;
    case 3: {
      const auto page = qdrant::parse_page(body, "text");
      if (page) check_points(page->points);
      break;
    }
    case 4: {
      const auto scored = qdrant::parse_scored(body);
      for (std::size_t i = 0; scored && i < scored->size(); ++i) check_point((*scored)[i].point);
      break;
    }
    case 5: VECMILL_CHECK(!qdrant::parse_done(body) || qdrant::parse_ok(body)); break;
    default: {
      const std::string said = qdrant::said_in(body);
      VECMILL_CHECK(said.size() <= 200 && is_valid_utf8(said));
      VECMILL_CHECK(said.find_first_of(std::string_view("\n\r\0", 3)) == std::string::npos);
      (void)qdrant::parse_count(body);
    }
  }
  return 0;
}
