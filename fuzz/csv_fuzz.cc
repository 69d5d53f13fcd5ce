// modules: source base
#include <vector>

#include "memory_file.h"
#include "vecmill/base/check.h"
#include "vecmill/base/json_text.h"
#include "vecmill/base/utf8.h"
#include "vecmill/source/source_factory.h"

/// The first byte chooses between commas and tabs, and a small limit.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vecmill;
  if (size == 0) return 0;
  const MemoryFile file(data + 1, size - 1);
  source::SourceOptions options;
  options.format = (data[0] & 1) != 0 ? "tsv" : "csv";
  if ((data[0] & 2) != 0) options.max_text_bytes = 64;
  const auto source = source::open(std::vector{file.path()}, options);
  VECMILL_CHECK(source.has_value());
  while (true) {
    const auto records = (*source)->next(7);
    if (!records || records->empty()) return 0;
    for (const Record& record : *records) {
      VECMILL_CHECK(is_valid_utf8(record.text) && is_valid_utf8(record.id));
      std::vector<JsonField> fields;
      VECMILL_CHECK(record.metadata.empty() || !scan_json_object(record.metadata, fields));
    }
  }
}
