#include "vecmill/provider/local_provider.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "vecmill/encode/encoder.h"
#include "vecmill/provider/model_copy.h"
#include "vecmill_source_dir.h"

namespace vecmill::provider {
namespace {

namespace fs = std::filesystem;

LocalOptions with(std::uint32_t LocalOptions::*member, std::uint32_t value) {
  LocalOptions options;
  options.*member = value;
  return options;
}

const std::filesystem::path kModels =
    std::filesystem::path(VECMILL_SOURCE_DIR) / "tests/golden/models";

class LocalProviderTest : public ModelCopyTest {
 protected:
  void SetUp() override {
    ModelCopyTest::SetUp();
    copy_model(kModels / "distilbert");
  }

  void prompts(const std::string& prompts) {
    std::ofstream(folder_ / "model/config_sentence_transformers.json")
        << R"({"default_prompt_name": null, "prompts": )" << prompts << "}";
  }

  std::unique_ptr<Provider> open(LocalOptions options = {}) {
    options.model_folder = folder_ / "model";
    options.packed_file = folder_ / "packed";
    options.name = "tiny";
    if (!fs::exists(options.packed_file)) {
      EXPECT_TRUE(encode::pack(options.model_folder, options.packed_file));
    }
    auto provider = make_local_provider(options);
    EXPECT_TRUE(provider) << provider.error().to_string();
    return std::move(*provider);
  }

  static std::vector<float> vector_of(Provider& provider, std::string_view text,
                                      const EmbedOptions& options = {}) {
    return provider.embed({&text, 1}, options)[0]->vector;
  }
};

TEST_F(LocalProviderTest, ATextAloneHasTheBitsItHasInABatch) {
  const auto provider = open(with(&LocalOptions::threads, 2));
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < 20; ++i) texts.push_back(std::string(i * i, 'a') + " b c");
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  const auto batch = provider->embed(views, {});
  ASSERT_EQ(batch.size(), texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(batch[i]->vector, vector_of(*provider, texts[i])) << i;
  }
}

TEST_F(LocalProviderTest, APromptStandsBeforeTheTextsOfItsRole) {
  const auto plain = open();
  const auto expected = vector_of(*plain, "ask: how");
  fs::remove(folder_ / "packed");
  prompts(R"({"query": "ask: ", "passage": ""})");
  const auto provider = open();
  EXPECT_EQ(vector_of(*provider, "how", {Role::kQuery, Truncate::kEnd}), expected);
  EXPECT_EQ(vector_of(*provider, "ask: how", {Role::kDocument, Truncate::kEnd}), expected);
  EXPECT_EQ(vector_of(*provider, "ask: how", {Role::kNone, Truncate::kEnd}), expected);
  EXPECT_EQ(*provider->count_tokens("how", Role::kQuery),
            *provider->count_tokens("ask: how", Role::kNone));
  EXPECT_NE(provider->capabilities({Role::kQuery, Truncate::kEnd}).space.space,
            provider->capabilities({Role::kDocument, Truncate::kEnd}).space.space);
}

TEST_F(LocalProviderTest, WhatIsTooLongIsCutAndSaidOrFailsAlone) {
  const auto provider = open(with(&LocalOptions::max_seq_length, 8));
  const std::string text_of_20 = "a b c d e f g h i j k l m n o p q r";
  const std::string_view texts[] = {"a b", text_of_20};
  const auto cut = provider->embed(texts, {});
  EXPECT_EQ(cut[0]->truncated_tokens, 0U);
  EXPECT_EQ(cut[1]->tokens, 8U);
  EXPECT_EQ(cut[1]->truncated_tokens, *provider->count_tokens(text_of_20, Role::kNone) - 8);
  const auto strict = provider->embed(texts, {Role::kDocument, Truncate::kError});
  EXPECT_EQ(strict[0]->vector, cut[0]->vector);
  ASSERT_FALSE(strict[1]);
  EXPECT_EQ(strict[1].error().kind, ErrorKind::kTooLong);
  EXPECT_NE(provider->embed(texts, {Role::kDocument, Truncate::kStart})[1]->vector, cut[1]->vector);
}

TEST_F(LocalProviderTest, TheSpaceSaysEverythingThatChangesAVector) {
  const auto space = [](const Provider& provider, const EmbedOptions& options = {}) {
    return provider.capabilities(options).space.space;
  };
  prompts(R"({"query": "ask: "})");
  const auto provider = open();
  EXPECT_EQ(space(*provider), space(*open()));
  EXPECT_NE(space(*provider), space(*provider, {Role::kQuery, Truncate::kEnd}));
  EXPECT_NE(space(*provider), space(*open(with(&LocalOptions::max_seq_length, 8))));
  EXPECT_NE(space(*provider), space(*open(with(&LocalOptions::dims, 8))));
  EXPECT_NE(space(*provider), space(*provider, {Role::kDocument, Truncate::kStart}));
  EXPECT_EQ(space(*provider), space(*provider, {Role::kDocument, Truncate::kError}));
  std::ofstream(folder_ / "model/tokenizer.json", std::ios::app) << "\n";
  EXPECT_NE(space(*provider), space(*open()));
}

TEST_F(LocalProviderTest, TokensAreThoseOfTheWholeText) {
  const auto provider = open(with(&LocalOptions::max_seq_length, 4));
  const auto ids = provider->tokenize("a b c d e f");
  ASSERT_TRUE(ids);
  EXPECT_EQ(ids->size(), *provider->count_tokens("a b c d e f", Role::kNone));
  EXPECT_GT(ids->size(), 4U);
}

TEST_F(LocalProviderTest, WhatTheModelCannotDoIsRefused) {
  (void)open();
  const auto error = [&](LocalOptions options) {
    options.model_folder = folder_ / "model";
    options.packed_file = folder_ / "packed";
    const auto provider = make_local_provider(options);
    return provider ? "none" : provider.error().to_string();
  };
  EXPECT_THAT(error(with(&LocalOptions::max_seq_length, 100000)),
              testing::HasSubstr("100000 tokens are more than"));
  EXPECT_THAT(error(with(&LocalOptions::dims, 100000)), testing::HasSubstr("100000"));
  fs::remove(folder_ / "model/tokenizer.json");
  EXPECT_THAT(error({}), testing::HasSubstr("tokenizer"));
}

TEST_F(LocalProviderTest, AStaticModelTakesTokensWithoutSpecialOnes) {
  copy_model(kModels / "static-embedding");
  const auto provider = open();
  const std::vector<TokenId> how = *provider->tokenize("how");
  EXPECT_EQ(*provider->count_tokens("how", Role::kNone), how.size());
  const auto both = *provider->tokenize("how how");
  EXPECT_EQ(both.size(), 2 * how.size());  // nothing stands before, between or behind
  const std::vector<float> once = vector_of(*provider, "how");
  const std::vector<float> twice = vector_of(*provider, "how how");
  for (std::size_t i = 0; i < once.size(); ++i) EXPECT_NEAR(once[i], twice[i], 1e-6);
  EXPECT_THAT(vector_of(*provider, ""), testing::Each(0.0F));
}

/// Texts of very different lengths, a hundred thousand tokens together.
std::vector<std::string> many_texts() {
  std::vector<std::string> texts;
  for (int n = 0; n < 600; ++n) {
    std::string& text = texts.emplace_back();
    for (int word = 0; word < n; ++word) text += "word ";
  }
  return texts;
}

TEST_F(LocalProviderTest, WithLittleMemoryAllTextsHaveTheSameBits) {
  const auto texts = many_texts();
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  const auto expected = open()->embed(views, {});
  LocalOptions options;
  options.max_memory = 70 << 20;
  options.threads = 2;
  const auto provider = open(options);
  std::vector<std::jthread> threads;
  for (int n = 0; n < 2; ++n) {
    threads.emplace_back([&] {
      const auto found = provider->embed(views, {});
      for (std::size_t i = 0; i < found.size(); ++i) {
        ASSERT_TRUE(found[i]) << found[i].error().to_string();
        EXPECT_EQ(found[i]->vector, expected[i]->vector) << i;
        EXPECT_EQ(found[i]->tokens, expected[i]->tokens) << i;
      }
    });
  }
}

TEST_F(LocalProviderTest, TooLittleMemoryIsSaidBeforeTheModelIsLoaded) {
  open();
  LocalOptions options;
  options.model_folder = folder_ / "model";
  options.packed_file = folder_ / "packed";
  options.name = "tiny";
  options.max_memory = 60 << 20;
  const auto provider = make_local_provider(options);
  ASSERT_FALSE(provider);
  EXPECT_EQ(provider.error().kind, ErrorKind::kInvalidArgument);
  EXPECT_THAT(provider.error().to_string(),
              testing::MatchesRegex("--max-memory: tiny takes 1 MB for its layers and .* to work, "
                                    "and this process may use 63 MB; allow it more, .*"));
}

}  // namespace
}  // namespace vecmill::provider
