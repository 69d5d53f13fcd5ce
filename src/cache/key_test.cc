#include "vecmill/cache/key.h"

#include <gtest/gtest.h>

#include <set>
#include <span>
#include <string>
#include <vector>

#include "vecmill/base/hex.h"

namespace vecmill::cache {
namespace {

constexpr std::string_view kSecret = "0123456789abcdef";

/// What Python gives:
///   L = lambda b: len(b).to_bytes(8, "little") + b
///   hmac.new(secret, L(fingerprint) + L(text), "sha256").hexdigest()
TEST(KeyTest, TheMacIsHmacSha256OverLengthPrefixedParts) {
  std::string umlauts;
  for (int i = 0; i < 50; ++i) umlauts += "Gr\u00FC\u00DFe";
  struct Case {
    std::string secret, fingerprint, text, mac;
  };
  const Case cases[] = {
      {std::string(kSecret), "fp", "",
       "1bf3b410292d05db560ed06a86ebec478fba8fbacf70115890257efce57f17d7"},
      {std::string(kSecret), "fp", "hello",
       "9306a04db46d733d76a9a61d4f1a2cc75175e1191fc559a4a96ad61db8a88105"},
      {std::string(64, 's'), "", std::string("a\0b", 3),
       "9dc0c721d1df89fc523af7806278fdb9d22769cc9cd0a8835cb7c920e6b66a11"},
      {std::string(65, 's'), std::string(100, 'f'), umlauts,
       "f91f8bfaabf246bc8795fb8fdbd1e90b0bfdf01601127b1dbcc33d0444d3eef8"},
      {std::string(kSecret), "f", "phello",
       "fd9ee892e51e27a6ec9e6d592500a49be2dc977f0df81807cc027a95fcf5f3e0"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(hex(KeyMaker(c.secret, c.fingerprint)(c.text).mac), c.mac) << c.fingerprint;
  }
}

TEST(KeyTest, AnyOtherInputHasAnotherMacAndAnotherCheck) {
  std::set<std::string> macs, checks;
  std::size_t count = 0;
  const auto add = [&](std::string_view secret, std::string_view fingerprint,
                       std::string_view text) {
    const Key key = KeyMaker(secret, fingerprint)(text);
    macs.insert(hex(key.mac));
    checks.insert(hex(key.check));
    ++count;
  };
  const std::string long_text(1000, 'a');
  for (const std::string_view text : {"", "a", "b", "ab", " a", "a ", "A", long_text.c_str()}) {
    add(kSecret, "f", text);
    add(kSecret, "g", text);
    add("0123456789abcdeF", "f", text);
  }
  EXPECT_EQ(macs.size(), count);
  EXPECT_EQ(checks.size(), count);
}

TEST(KeyTest, TheSameInputHasTheSameKeyFromAnyMaker) {
  const Key first = KeyMaker(kSecret, "f")("text");
  EXPECT_EQ(first, KeyMaker(kSecret, "f")("text"));
  EXPECT_EQ(hex(first.check),
            "afc6357f8a55c743e5fcaec22ade41e0");  // written into files: may never change
  EXPECT_EQ(first.prefix() & 0xFF, std::to_integer<std::uint64_t>(first.mac[0]));
}

}  // namespace
}  // namespace vecmill::cache
