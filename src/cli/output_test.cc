#include "vecmill/cli/output.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "vecmill/cli/interrupt.h"
#include "vecmill/cli/progress.h"

namespace vecmill::cli {
namespace {

TEST(Output, NumbersForPeople) {
  EXPECT_EQ(with_commas(0), "0");
  EXPECT_EQ(with_commas(999), "999");
  EXPECT_EQ(with_commas(1000), "1,000");
  EXPECT_EQ(with_commas(1234567), "1,234,567");
  EXPECT_EQ(readable_bytes(999), "999 B");
  EXPECT_EQ(readable_bytes(90868376), "90.9 MB");
}

TEST(Output, JsonIsJsonWhateverIsInIt) {
  const std::string line =
      JsonObject()
          .text("text", "a\"\\\n\x01\xff \xc3\xa9")
          .count("count", ~std::uint64_t{0})
          .number("number", 0.1)
          .yes("yes", true)
          .raw("list", json_array(std::vector<std::string>{"a", "b"}, json_text))
          .line();
  EXPECT_EQ(line.find('\n'), std::string::npos);
  const auto json = nlohmann::json::parse(line);
  EXPECT_EQ(json["text"], "a\"\\\n\x01\xef\xbf\xbd \xc3\xa9");
  EXPECT_EQ(json["count"], ~std::uint64_t{0});
  EXPECT_EQ(json["number"], 0.1);
  EXPECT_EQ(json["yes"], true);
  EXPECT_EQ(json["list"], nlohmann::json::parse(R"(["a","b"])"));
}

TEST(Progress, HasAFixedDenominator) {
  EmbedProgress now{1000, 50000, 500, 3000, 10.0, 0};
  EXPECT_EQ(progress_text(now),
            "1,500 of 3,000 texts  50 %  100 texts/s  5,000 tokens/s  15 s left");
  now.seconds = 10000;
  EXPECT_EQ(progress_text(now),
            "1,500 of 3,000 texts  50 %  0 texts/s  5 tokens/s  4 h 10 min left");
  now.texts_total = 0;
  now.seconds = 10;
  EXPECT_EQ(progress_text(now), "1,500 texts  100 texts/s  5,000 tokens/s");
  now.cached = 250;
  EXPECT_EQ(progress_text(now), "1,500 texts  100 texts/s  5,000 tokens/s  25 % cached");
  EXPECT_EQ(progress_text({0, 0, 500, 3000, 0, 0}), "500 of 3,000 texts  16 %");
}

TEST(Interrupt, TheCommandThatGoesOnCanBePasted) {
  EXPECT_EQ(resume_command({"embed", "a.txt", "--out", "b.npy"}),
            "vecmill embed a.txt --out b.npy --resume");
  EXPECT_EQ(resume_command({"embed", "--out", "b.npy", "--", "-a.txt"}),
            "vecmill embed --out b.npy --resume -- -a.txt");
  EXPECT_EQ(resume_command({"embed", "--resume", "it's $x", ""}),
            "vecmill embed --resume 'it'\\''s $x' ''");
}

}  // namespace
}  // namespace vecmill::cli
