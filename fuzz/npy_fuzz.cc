// modules: sink base
#include <string_view>

#include "vecmill/base/check.h"
#include "vecmill/sink/checkpoint.h"
#include "vecmill/sink/npy.h"

/// Everything that is read back of an output: the array, X.meta.json, the checkpoint.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vecmill::sink;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto shape = parse_npy(bytes, "fuzz");
  if (shape) {
    const std::uint64_t row = shape->dims * (shape->half ? 2 : 4);
    VECMILL_CHECK(shape->data_offset <= size);
    VECMILL_CHECK(row == 0 || shape->rows <= (size - shape->data_offset) / row);
  }
  const auto checkpoint = parse_checkpoint(std::string(bytes), "fuzz");
  if (checkpoint) VECMILL_CHECK(parse_checkpoint(to_text(*checkpoint), "again").has_value());
  const auto meta = parse_meta(std::string(bytes), "fuzz");
  if (meta) {
    VECMILL_CHECK(parse_meta(meta_text(meta->identity, meta->counts), "again").has_value());
  }
  return 0;
}
