// modules: cache base
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "vecmill/base/check.h"
#include "vecmill/base/hash.h"
#include "vecmill/cache/row.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using vecmill::cache::RowCodec;
  using vecmill::cache::Store;
  // With its right sum, which nobody finds by chance.
  std::string row(reinterpret_cast<const char*>(data), size);
  const std::uint64_t sum = vecmill::checksum(std::as_bytes(std::span(row.data(), row.size())));
  row.append(reinterpret_cast<const char*>(&sum), sizeof sum);
  for (const Store store : {Store::kF32, Store::kF16}) {
    auto codec = RowCodec::make(store, "");
    const auto whole = codec->decode(row);
    if (!whole) continue;
    vecmill::Embedding value;
    const auto verdict = codec->decode(row, whole->key, value);
    VECMILL_CHECK((verdict == RowCodec::Verdict::kHit) == (whole->store == store));
    std::string again;
    if (verdict == RowCodec::Verdict::kHit) {
      codec->encode({whole->key, &value, {}}, again);
      VECMILL_CHECK(again.size() == row.size());
    }
  }
  return 0;
}
