// modules: ledger base
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "vecmill/base/check.h"
#include "vecmill/ledger/price_book.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  vecmill::ledger::PriceBook book;
  const auto added =
      book.add(std::string_view(reinterpret_cast<const char*>(data), size), "prices");
  for (const auto& price : book.all()) {
    VECMILL_CHECK(added.has_value());
    const auto found = book.find(price.provider, price.model, price.from);
    VECMILL_CHECK(found && found->per_million == price.per_million);
  }
  return 0;
}
