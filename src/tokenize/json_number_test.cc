#include "vecmill/tokenize/json_number.h"

#include <gtest/gtest.h>

namespace vecmill::tokenize {
namespace {

/// What tokenizers 0.23.3 makes of a score with this text.
TEST(JsonNumber, IsTheOneThatTheLibraryReads) {
  const std::pair<const char*, double> cases[] = {
      {"0", 0},
      {"1e2", 100},
      {"1E+3", 1000},
      {"-2.5e-1", -0.25},
      {"-3.3451638221740723", -0x1.ac2e54p+1},
      {"-13.27361011505127", -0x1.a8c16ap+3},
      {"-11.123456789012345678", -0x1.63f35ba6e8decp+3},       // not the nearest one
      {"-9.87654321098765432109e-5", -0x1.9e409341bc812p-14},  // nor this
      {"123456789012345678901234567890", 0x1.8ee90ff6c373ep+96},
      {"-0.00000000000000000000012345678901234567890123", -0x1.2a800d163332fp-73},
      {"1.7976931348623157e308", 0x1.fffffffffffffp+1023},
      {"5e-324", 0x1p-1074},
      {"1e-400", 0}};
  for (const auto& [text, value] : cases) EXPECT_EQ(json_number(text), value) << text;
}

}  // namespace
}  // namespace vecmill::tokenize
