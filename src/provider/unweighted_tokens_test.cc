// What the local provider adds to the heads of the encoder: the ids without a weight, the space.
#include "vecmill/provider/unweighted_tokens.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "vecmill/encode/encoder.h"
#include "vecmill/provider/local_provider.h"
#include "vecmill/provider/model_copy.h"
#include "vecmill_source_dir.h"

namespace vecmill::provider {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

const std::filesystem::path kModels =
    std::filesystem::path(VECMILL_SOURCE_DIR) / "tests/golden/models";

class UnweightedTokensTest : public ModelCopyTest {
 protected:
  void SetUp() override {
    ModelCopyTest::SetUp();
    copy_model(kModels / "xlm-roberta-m3");
  }

  void put(const char* file, const std::string& text) const {
    std::ofstream(folder_ / "model" / file) << text;
  }

  Result<std::vector<TokenId>> ids() const {
    VECMILL_ASSIGN(const auto tokenizer, tokenize::Tokenizer::from_folder(folder_ / "model"));
    return unweighted_tokens(folder_ / "model", tokenizer);
  }

  Result<std::unique_ptr<Provider>> open(const std::string& name = "org/m3") const {
    LocalOptions options;
    options.model_folder = folder_ / "model";
    options.packed_file = folder_ / "packed";
    options.name = name;
    VECMILL_TRY(encode::pack(options.model_folder, options.packed_file));
    return make_local_provider(options);
  }
};

TEST_F(UnweightedTokensTest, AreNamedByTheTokenizersFiles) {
  EXPECT_THAT(*ids(), ElementsAre(0, 1, 2, 3));
  put("tokenizer_config.json", "{}");
  EXPECT_THAT(*ids(), ElementsAre(0, 1, 2, 3)) << "those of XLM-RoBERTa";
  put("tokenizer_config.json", R"({"unk_token": {"content": "<mask>"}, "pad_token": null})");
  EXPECT_THAT(*ids(), ElementsAre(0, 1, 2, 4));
  put("special_tokens_map.json", R"({"unk_token": "<unk>", "eos_token": "no such token"})");
  EXPECT_THAT(*ids(), ElementsAre(0, 1, 4)) << "tokenizer_config.json comes first";
}

TEST_F(UnweightedTokensTest, BrokenFilesAreErrors) {
  for (const char* text :
       {"", "[]", "{", R"({"cls_token": 5})", R"({"cls_token": {"x": "<s>"}})"}) {
    put("tokenizer_config.json", text);
    const auto found = ids();
    ASSERT_FALSE(found) << text;
    EXPECT_EQ(found.error().kind, ErrorKind::kInvalidData);
    EXPECT_THAT(found.error().to_string(), HasSubstr("tokenizer_config.json"));
  }
}

TEST_F(UnweightedTokensTest, OnePassGivesWhatWasAskedFor) {
  const auto provider = open();
  ASSERT_TRUE(provider) << provider.error().to_string();
  const std::string_view texts[] = {"the mill", "", "the wheel of the mill"};
  const auto all = (*provider)->embed(texts, {.outputs = {true, true, true}});
  const auto dense = (*provider)->embed(texts, {});
  const auto sparse = (*provider)->embed(texts, {.outputs = {false, true, false}});
  for (std::size_t i = 0; i < std::size(texts); ++i) {
    EXPECT_EQ(all[i]->vector, dense[i]->vector);
    EXPECT_TRUE(dense[i]->sparse.empty() && dense[i]->multivector.empty());
    EXPECT_EQ(all[i]->multivector.size(), (all[i]->tokens - 1) * 24);
    EXPECT_EQ(sparse[i]->sparse, all[i]->sparse);
    EXPECT_TRUE(sparse[i]->vector.empty() && sparse[i]->multivector.empty());
    for (const TokenWeight& weight : all[i]->sparse) EXPECT_GT(weight.token, 3);
  }
  EXPECT_FALSE(all[2]->sparse.empty());
  const auto alone = (*provider)->embed({texts + 2, 1}, {.outputs = {true, true, true}});
  EXPECT_EQ(alone[0]->multivector, all[2]->multivector);
}

TEST_F(UnweightedTokensTest, HeadsArePartOfTheSpaceOfTheirOutputsOnly) {
  const auto space = [](const Provider& provider, const Outputs& outputs) {
    return provider.capabilities({.outputs = outputs}).space;
  };
  const auto with = open();
  ASSERT_TRUE(with) << with.error().to_string();
  const SpaceInfo all = space(**with, {true, true, true});
  EXPECT_EQ(all.outputs, (Outputs{true, true, true}));
  EXPECT_EQ(all.multivector_dims, 24u);
  EXPECT_EQ(space(**with, {}).multivector_dims, 0u);
  EXPECT_NE(all.space, space(**with, {}).space);
  fs::remove(folder_ / "model/sparse_linear.safetensors");
  fs::remove(folder_ / "model/colbert_linear.safetensors");
  const auto without = open();
  ASSERT_TRUE(without);
  EXPECT_EQ(space(**with, {}).space, space(**without, {}).space);
}

TEST_F(UnweightedTokensTest, AMissingHeadIsSaidAtOnceAndForEachText) {
  fs::remove(folder_ / "model/sparse_linear.safetensors");
  const auto provider = open();
  ASSERT_TRUE(provider) << provider.error().to_string();
  const EmbedOptions options{.outputs = {true, true, false}};
  const Status status = (*provider)->check(options);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().kind, ErrorKind::kUnsupported);
  EXPECT_THAT(status.error().to_string(), HasSubstr("sparse_linear.pt"));
  const std::string_view text = "the mill";
  EXPECT_EQ((*provider)->embed({&text, 1}, options)[0].error().message, status.error().message);
  EXPECT_TRUE((*provider)->check({.outputs = {true, false, true}}));
  EXPECT_FALSE((*provider)->check({.outputs = {false, false, false}}));
}

}  // namespace
}  // namespace vecmill::provider
