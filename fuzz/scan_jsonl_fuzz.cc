// modules: sink base
#include <cstddef>
#include <cstdint>
#include <string>

#include "memory_file.h"
#include "vecmill/base/check.h"
#include "vecmill/sink/scan.h"

/// The lines of a finished .jsonl with all outputs.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vecmill;
  sink::Meta meta;
  meta.identity.info.dims = 2;
  meta.identity.info.outputs = {true, true, true};
  meta.identity.info.multivector_dims = 2;
  const MemoryFile file(data, size);
  const auto check = [](const sink::ScannedRow& row) -> Status {
    VECMILL_CHECK(row.vector.size() == 2 && row.multivector.size() % 2 == 0);
    for (std::size_t i = 1; i < row.sparse.size(); ++i) {
      VECMILL_CHECK(row.sparse[i - 1].token < row.sparse[i].token);
    }
    return {};
  };
  (void)sink::scan_jsonl(file.path(), meta, {true, true, true}, check);
  return 0;
}
