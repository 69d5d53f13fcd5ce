// modules: sink base
#include <cstddef>
#include <cstdint>
#include <string>

#include "memory_file.h"
#include "vecmill/base/check.h"
#include "vecmill/base/utf8.h"
#include "vecmill/sink/index.h"
#include "vecmill/sink/inventory.h"

/// The lists of ids beside an output: X.ids.txt and X.failed.jsonl.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vecmill;
  const MemoryFile file(data, size);
  const auto check = [](const std::string& id) -> Status {
    VECMILL_CHECK(is_valid_utf8(id));
    return {};
  };
  (void)sink::each_id(file.path(), check);
  (void)sink::each_failed_line(file.path(),
                               [&](const sink::KnownRow& row) { return check(row.id); });
  return 0;
}
