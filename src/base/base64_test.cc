#include "vecmill/base/base64.h"

#include <gtest/gtest.h>

namespace vecmill {
namespace {

TEST(Base64, DecodesTheExamplesOfTheStandard) {
  const std::pair<const char*, const char*> cases[] = {{"", ""},
                                                       {"Zg==", "f"},
                                                       {"Zm8=", "fo"},
                                                       {"Zm9v", "foo"},
                                                       {"Zm9vYg==", "foob"},
                                                       {"Zm9vYmE=", "fooba"},
                                                       {"Zm9vYmFy", "foobar"},
                                                       {"/+8=", "\xFF\xEF"}};
  for (const auto& [text, bytes] : cases) EXPECT_EQ(decode_base64(text), bytes) << text;
}

TEST(Base64, RefusesAnyCharacterThatIsNoDigitAnywhere) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (int c = 0; c < 256; ++c) {
    for (std::size_t at = 0; at < 7; ++at) {  // in a whole group and in one with padding
      std::string text = "AAAAAAA=";
      text[at] = static_cast<char>(c);
      const bool is_digit = kDigits.find(text[at]) != std::string_view::npos;
      const bool fits = at < 6 || (kDigits.find(text[at]) & 3) == 0;  // no bits under the padding
      const bool more_padding = at == 6 && c == '=';
      EXPECT_EQ(decode_base64(text).has_value(), (is_digit && fits) || more_padding)
          << c << " at " << at;
    }
  }
}

TEST(Base64, RefusesWhatIsMalformed) {
  for (const char* text :
       {"Z", "Zg", "Zg=", "Zg===", "=", "====", "Zm9v\n", "Zm-v", "Zh==", "Z=g="}) {
    EXPECT_EQ(decode_base64(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace vecmill
