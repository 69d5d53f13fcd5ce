// What tests/conformance cannot show: errors, truncation, invalid UTF-8, files that are missing.
#include "vecmill/tokenize/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "vecmill/tokenize/regex.h"

namespace vecmill::tokenize {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Words between spaces; [CLS] and [SEP] around them.
json word_piece() {
  return json::parse(R"({
    "version": "1.0",
    "added_tokens": [{"id": 4, "content": "[MASK]", "single_word": false, "lstrip": false,
                      "rstrip": false, "normalized": false, "special": true}],
    "normalizer": {"type": "Lowercase"},
    "pre_tokenizer": {"type": "WhitespaceSplit"},
    "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 2], "cls": ["[CLS]", 1]},
    "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
              "max_input_chars_per_word": 100,
              "vocab": {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "a": 3, "[MASK]": 4, "b": 5, "##c": 6}}
  })");
}

Tokenizer make(const json& spec) {
  auto tokenizer = Tokenizer::from_json(spec.dump(), "t");
  EXPECT_TRUE(tokenizer) << tokenizer.error().to_string();
  return std::move(*tokenizer);
}

std::string error_of(const std::string& text) {
  const auto tokenizer = Tokenizer::from_json(text, "t");
  return tokenizer ? "" : tokenizer.error().to_string();
}

/// The error when `pointer` has the value instead.
std::string error_with(const char* pointer, const json& value) {
  json spec = word_piece();
  spec[json::json_pointer(pointer)] = value;
  return error_of(spec.dump());
}

TEST(Tokenizer, KnowsItsTokens) {
  const Tokenizer tokenizer = make(word_piece());
  EXPECT_THAT(tokenizer.encode("A bc [MASK] zz")->ids, ElementsAre(1, 3, 5, 6, 4, 0, 2));
  EXPECT_EQ(*tokenizer.count("A bc [MASK] zz"), 7U);
  EXPECT_EQ(tokenizer.special_token_count(), 2U);
  EXPECT_EQ(tokenizer.vocab_size(), 7U);
  EXPECT_EQ(tokenizer.token_to_id("[MASK]"), 4);
  EXPECT_EQ(tokenizer.token_to_id("b"), 5);
  EXPECT_EQ(tokenizer.token_to_id("no"), std::nullopt);
  EXPECT_EQ(tokenizer.id_to_token(4), "[MASK]");
  EXPECT_EQ(tokenizer.id_to_token(6), "##c");
  EXPECT_THAT(tokenizer.id_to_token(99), IsEmpty());
}

TEST(Tokenizer, CutsWhereItIsToldAndSaysSo) {
  const Tokenizer tokenizer = make(word_piece());
  const auto cut = [&](std::size_t limit, Truncate truncate, bool special = true) {
    return tokenizer.encode("a b a b bc", {limit, truncate, special});
  };
  EXPECT_THAT(cut(0, Truncate::kEnd)->ids, ElementsAre(1, 3, 5, 3, 5, 5, 6, 2));
  EXPECT_THAT(cut(8, Truncate::kError)->ids, ElementsAre(1, 3, 5, 3, 5, 5, 6, 2));
  EXPECT_EQ(cut(8, Truncate::kEnd)->dropped, 0U);
  EXPECT_THAT(cut(5, Truncate::kEnd)->ids, ElementsAre(1, 3, 5, 3, 2));
  EXPECT_THAT(cut(5, Truncate::kStart)->ids, ElementsAre(1, 5, 5, 6, 2));
  EXPECT_EQ(cut(5, Truncate::kStart)->dropped, 3U);
  EXPECT_THAT(cut(2, Truncate::kEnd)->ids, ElementsAre(1, 2));
  EXPECT_THAT(cut(3, Truncate::kEnd, false)->ids, ElementsAre(3, 5, 3));
  const auto error = cut(5, Truncate::kError);
  ASSERT_FALSE(error);
  EXPECT_EQ(error.error().kind, ErrorKind::kTooLong);
  EXPECT_THAT(error.error().message, HasSubstr("8 tokens, 3 more than 5"));
  EXPECT_EQ(cut(1, Truncate::kEnd).error().kind, ErrorKind::kInvalidArgument);
}

TEST(Tokenizer, BytesThatAreNoTextBecomeTheReplacementCharacter) {
  json spec = word_piece();
  spec["model"]["vocab"]["\uFFFD"] = 7;
  const Tokenizer tokenizer = make(spec);
  EXPECT_THAT(tokenizer.encode("a \xFF b")->ids, ElementsAre(1, 3, 7, 5, 2));
  EXPECT_EQ(*tokenizer.count("\xC3"), 3U);
}

TEST(Tokenizer, WhatTheFileSaysOfTruncationAndPaddingIsNotObeyed) {
  json spec = word_piece();
  spec["truncation"] = json::parse(R"({"max_length": 3, "strategy": "LongestFirst", "stride": 0,
                                       "direction": "Right"})");
  spec["padding"] = json::parse(R"({"strategy": {"Fixed": 9}, "direction": "Right", "pad_id": 0,
                                    "pad_type_id": 0, "pad_token": "[PAD]",
                                    "pad_to_multiple_of": null})");
  EXPECT_EQ(make(spec).encode("a b a b")->ids.size(), 6U);
}

TEST(Tokenizer, BrokenFilesAreRefusedByPlace) {
  const std::string whole = word_piece().dump();
  for (std::size_t size = 0; size < whole.size(); size += 7) {
    EXPECT_FALSE(error_of(whole.substr(0, size)).empty()) << size;
  }
  EXPECT_THAT(error_of("[]"), HasSubstr("is not an object"));
  EXPECT_THAT(error_of("version https://git-lfs.github.com/spec/v1\noid sha256:0\n"),
              HasSubstr("download the file again"));
  EXPECT_THAT(error_of("{}"), HasSubstr("model"));
}

TEST(Tokenizer, UnknownThingsAreRefusedByName) {
  const struct {
    const char* pointer;
    json value;
    const char* named;
  } cases[] = {
      {"/normalizer", {{"type", "Shouting"}}, "Shouting"},
      {"/pre_tokenizer", {{"type", "Dicing"}}, "Dicing"},
      {"/post_processor", {{"type", "Wrapping"}}, "Wrapping"},
      {"/model/type", "WordSalad", "WordSalad"},
      {"/normalizer/type", 5, "normalizer"},
      {"/model/vocab/a", -1, "vocab"},
      {"/model/vocab/a", 1.5, "vocab"},
      {"/model/vocab/a", "x", "vocab"},
      {"/model/vocab/a", 4294967296, "vocab"},
      {"/model/max_input_chars_per_word", -1, "max_input_chars_per_word"},
      {"/model/dropout", 0.5, "dropout"},
      {"/added_tokens/0/lstrip", "yes", "lstrip"},
      {"/added_tokens", 7, "added_tokens"},
      {"/pre_tokenizer",
       {{"type", "Split"},
        {"pattern", {{"Regex", "(?<=a)b"}}},
        {"behavior", "Isolated"},
        {"invert", false}},
       "regular expression"},
      {"/pre_tokenizer",
       {{"type", "Split"},
        {"pattern", {{"Regex", "["}}},
        {"behavior", "Isolated"},
        {"invert", false}},
       "regular expression"},
      {"/pre_tokenizer",
       {{"type", "Split"},
        {"pattern", {{"String", "x"}}},
        {"behavior", "Sideways"},
        {"invert", false}},
       "Sideways"},
      {"/normalizer", {{"type", "Precompiled"}, {"precompiled_charsmap", "!!!"}}, "charsmap"},
      {"/normalizer", {{"type", "Precompiled"}, {"precompiled_charsmap", "AAAA"}}, "charsmap"},
  };
  for (const auto& c : cases) {
    EXPECT_THAT(error_with(c.pointer, c.value), HasSubstr(c.named)) << c.pointer << c.value;
  }
}

TEST(Tokenizer, AModelWithoutATokenForTheUnknownSaysSoForThatTextAlone) {
  json spec = word_piece();
  spec["model"] = json::parse(R"({"type": "Unigram", "unk_id": null, "byte_fallback": false,
                                  "vocab": [["a", -1.0], ["b", -2.0]]})");
  spec["added_tokens"] = json::array();
  spec["post_processor"] = nullptr;
  const Tokenizer tokenizer = make(spec);
  EXPECT_TRUE(tokenizer.encode("a b"));
  const auto unknown = tokenizer.encode("a z");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().kind, ErrorKind::kUnsupported);
}

class FolderTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / ("tokenizer-" + std::to_string(getpid()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  void write(const char* name, const std::string& content) {
    std::ofstream(folder_ / name, std::ios::binary) << content;
  }
  std::string error() {
    const auto tokenizer = Tokenizer::from_folder(folder_);
    return tokenizer ? "" : tokenizer.error().to_string();
  }

  fs::path folder_;
};

TEST_F(FolderTest, TakesTheBestFileThereIs) {
  EXPECT_THAT(error(), HasSubstr("tokenizer"));
  write("vocab.txt", "[UNK]\n[CLS]\r\n[SEP] \na\n##b");
  EXPECT_THAT(Tokenizer::from_folder(folder_)->encode("AB")->ids, ElementsAre(1, 3, 4, 2));
  write("tokenizer_config.json", R"({"do_lower_case": false})");
  EXPECT_THAT(Tokenizer::from_folder(folder_)->encode("AB")->ids, ElementsAre(1, 0, 2));
  write("tokenizer.json", word_piece().dump());
  EXPECT_EQ(Tokenizer::from_folder(folder_)->vocab_size(), 7U);
}

TEST_F(FolderTest, BadVocabulariesAreRefused) {
  write("vocab.txt", "a\nb\n");
  EXPECT_THAT(error(), HasSubstr("vocab.txt: has no [UNK]"));
  write("vocab.txt", "[UNK]\n[CLS]\n[SEP]\n\xFF\n");
  EXPECT_THAT(error(), HasSubstr("is not UTF-8"));
  write("vocab.txt", "[UNK]\n[CLS]\n[SEP]\na\n");
  write("tokenizer_config.json", "{");
  EXPECT_THAT(error(), HasSubstr("tokenizer_config.json"));
}

TEST_F(FolderTest, BadSentencePieceModelsAreRefused) {
  for (const std::string& proto :
       {std::string("no protobuf at all"), std::string("\x0a\x05\x0a\x01", 4), std::string()}) {
    write("sentencepiece.bpe.model", proto);
    EXPECT_THAT(error(), HasSubstr("sentencepiece.bpe.model"));
  }
}

/// What tiktoken 0.14.0 gives; tests/conformance compares the rest.
TEST(Cl100k, HasTheIdsOfOpenAi) {
  const Tokenizer tokenizer = Tokenizer::cl100k();
  const auto ids = [&](const char* text) { return tokenizer.encode(text)->ids; };
  EXPECT_THAT(ids("hello world"), ElementsAre(15339, 1917));
  EXPECT_THAT(ids("I'LL don't\n\n  x"), ElementsAre(40, 6, 4178, 1541, 956, 271, 220, 865));
  EXPECT_THAT(ids("a \n  b\n \n  "), ElementsAre(64, 720, 220, 293, 27907, 256));
  EXPECT_THAT(ids("<|endoftext|>"), ElementsAre(27, 91, 8862, 728, 428, 91, 29));
  EXPECT_THAT(ids(""), IsEmpty());
  EXPECT_EQ(tokenizer.vocab_size(), 100'256U);
}

/// tiktoken itself takes half a minute for a megabyte.
TEST(Cl100k, OneLongWordTakesNoLongerThanManyShortOnes) {
  EXPECT_EQ(*Tokenizer::cl100k().count(std::string(50'000, 'a')), 6'250U);
}

std::vector<std::string> matches(const std::string& pattern, std::string_view text) {
  const auto regex = Regex::compile(pattern, "t");
  if (!regex) return {regex.error().to_string()};
  std::vector<Span> spans;
  regex->find_all(text, spans);
  std::vector<std::string> found;
  for (const Span& span : spans)
    found.emplace_back(text.substr(span.first, span.last - span.first));
  return found;
}

TEST(Regex, FindsTheFirstAlternativeFromTheLeft) {
  EXPECT_THAT(matches("a|ab", "abab"), ElementsAre("a", "a"));
  EXPECT_THAT(matches("a+?b|a", "aab a"), ElementsAre("aab", "a"));
  EXPECT_THAT(matches("(?:ab){2,3}", "abababab"), ElementsAre("ababab"));
  EXPECT_THAT(matches("a{,2}b", "aaab"), ElementsAre("aab"));
  EXPECT_THAT(matches("(?>a+)b|a", "aac"), ElementsAre("a", "a"));
  EXPECT_THAT(matches("a++a|x", "aax"), ElementsAre("x"));
  EXPECT_THAT(matches("\\s+(?!\\S)|\\s", " \t x"), ElementsAre(" \t", " "));
  EXPECT_THAT(matches("\\bfoo\\b|\\Bo", "foo foox"), ElementsAre("foo", "o", "o"));
  EXPECT_THAT(matches("^a|b$", "a\nab\nb"), ElementsAre("a", "a", "b", "b"));
  EXPECT_THAT(matches("\\Aa|b\\z", "aabb"), ElementsAre("a", "b"));
  EXPECT_THAT(matches("(?i:s|K)", "sSſk\u212A"), ElementsAre("s", "S", "ſ", "k", "\u212A"));
  EXPECT_THAT(matches("[^a-c\\d]", "ab1x"), ElementsAre("x"));
  EXPECT_THAT(matches("\\x{e9}|\\u00e8|\\x41", "éèA"), ElementsAre("é", "è", "A"));
}

TEST(Regex, WhatItDoesNotKnowIsRefusedByName) {
  for (const char* pattern :
       {"(", ")", "[", "a**", "*a", "(?<n>a)", "(?<=a)", "\\1", "\\k<n>", "\\p{Nope}", "[a&&b]",
        "(?:a*)*", "\\p{L", "[z-a]", "[[:nope:]]", "(?x)a", "\\", "a{3,2}", "(?:a"}) {
    const auto regex = Regex::compile(pattern, "t");
    EXPECT_FALSE(regex) << pattern;
  }
}

/// Patterns that take exponential time elsewhere.
TEST(Regex, TakesTimeInProportionToTheText) {
  const std::string text(20'000, 'a');
  EXPECT_THAT(matches("(?:a+)+b", text), IsEmpty());
  EXPECT_THAT(matches("(?:a|aa)+$b", text), IsEmpty());
}

}  // namespace
}  // namespace vecmill::tokenize
