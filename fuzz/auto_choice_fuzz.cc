// modules: engine
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "vecmill/base/check.h"
#include "vecmill/engine/auto_dtype.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using vecmill::engine::parse_choice;
  const std::string machine = "a machine";
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto choice = parse_choice(text, machine);
  if (!choice) return 0;
  VECMILL_CHECK(choice->dtype == vecmill::engine::faster_of(choice->speed, choice->least_cosine));
  const auto again = parse_choice(vecmill::engine::to_text(*choice, machine), machine);
  VECMILL_CHECK(again.has_value() && again->speed == choice->speed);
  return 0;
}
