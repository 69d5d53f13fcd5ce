// From text to vector against the reference: tokenizer and encoder together.
#include <gtest/gtest.h>
#include <unistd.h>

#include "golden_set.h"
#include "vecmill/encode/encoder.h"
#include "vecmill/tokenize/tokenizer.h"

namespace vecmill::golden {
namespace {
namespace fs = std::filesystem;

class GoldenTextTest : public testing::TestWithParam<std::string> {};

TEST_P(GoldenTextTest, TextsGiveTheIdsAndVectorsOfTheReference) {
  const fs::path folder = model_folder(GetParam());
  std::string scratch = (fs::temp_directory_path() / "golden_text.XXXXXX").string();
  ASSERT_TRUE(::mkdtemp(scratch.data()));
  const fs::path packed = fs::path(scratch) / "model.vecmill";
  const Status status = encode::pack(folder, packed);
  ASSERT_TRUE(status) << status.error().to_string();
  const auto encoder = encode::Encoder::open(packed);
  fs::remove_all(scratch);
  ASSERT_TRUE(encoder) << encoder.error().to_string();
  const encode::ModelDescription& description = (*encoder)->description();
  const auto tokenizer = tokenize::Tokenizer::from_folder(folder / description.tokenizer_folder);
  ASSERT_TRUE(tokenizer) << tokenizer.error().to_string();

  const auto workspace = (*encoder)->make_workspace();
  std::vector<float> vector((*encoder)->dims());
  tokenize::EncodeOptions options;
  options.max_tokens = description.max_tokens;
  options.add_special_tokens = description.special_tokens;
  for (const Example& example : read_set(GetParam())) {
    const auto encoding = tokenizer->encode(example.prompt + example.text, options);
    ASSERT_TRUE(encoding) << encoding.error().to_string();
    EXPECT_EQ(encoding->ids, example.ids) << "text: " << testing::PrintToString(example.text);
    const encode::Sequence sequence{encoding->ids, example.prompt_tokens};
    const Status encoded = (*encoder)->encode({&sequence, 1}, *workspace, vector.data());
    ASSERT_TRUE(encoded) << encoded.error().to_string();
    const Distance d = distance(vector, example.vector);
    EXPECT_LE(d.largest, 5e-6) << "text: " << testing::PrintToString(example.text);
    EXPECT_GE(d.cosine, 0.999999);
  }
}

INSTANTIATE_TEST_SUITE_P(Sets, GoldenTextTest, testing::ValuesIn(kSets));

}  // namespace
}  // namespace vecmill::golden
