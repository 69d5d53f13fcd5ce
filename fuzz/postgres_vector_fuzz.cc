// modules: postgres base
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "vecmill/base/check.h"
#include "vecmill/postgres/wire.h"

/// What is an integer or a vector is written again as the same bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vecmill::postgres;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  constexpr std::size_t kBeforeElement = 24;
  ArrayBuilder number(1);
  number.add_int8(read_integer(bytes));
  if (bytes.size() == 8) VECMILL_CHECK(std::move(number).take().substr(kBeforeElement) == bytes);
  if (const auto vector = read_vector(bytes)) {
    ArrayBuilder array(1);
    array.add_vector(*vector);
    VECMILL_CHECK(std::move(array).take().substr(kBeforeElement) == bytes);
  }
  if (const auto half = read_halfvec(bytes)) {
    for (const float value : *half) {
      if (std::isnan(value)) return 0;  // of which there are several
    }
    ArrayBuilder array(1);
    array.add_halfvec(*half);
    VECMILL_CHECK(std::move(array).take().substr(kBeforeElement) == bytes);
  }
  return 0;
}
