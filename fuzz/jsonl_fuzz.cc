// modules: source base
#include <vector>

#include "memory_file.h"
#include "vecmill/base/check.h"
#include "vecmill/base/json_text.h"
#include "vecmill/base/utf8.h"
#include "vecmill/source/source_factory.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vecmill;
  const MemoryFile file(data, size);
  source::SourceOptions options;
  options.format = "jsonl";
  const auto source = source::open(std::vector{file.path()}, options);
  VECMILL_CHECK(source.has_value());
  while (true) {
    const auto records = (*source)->next(7);
    if (!records || records->empty()) return 0;
    for (const Record& record : *records) {
      VECMILL_CHECK(is_valid_utf8(record.text) && is_valid_utf8(record.metadata));
      std::vector<JsonField> fields;
      VECMILL_CHECK(record.metadata.empty() || !scan_json_object(record.metadata, fields));
    }
  }
}
