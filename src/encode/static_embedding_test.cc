// Static models that are not what they should be.
#include "vecmill/encode/static_embedding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <utility>

#include "vecmill/encode/encoder.h"

namespace vecmill::encode {
namespace {
namespace fs = std::filesystem;

struct Tensor {
  std::string name, dtype, shape, bytes;
};

class StaticEmbeddingTest : public testing::Test {
 protected:
  StaticEmbeddingTest() {
    std::string name = (fs::temp_directory_path() / "static_embedding_test.XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    write("config.json", R"({"model_type":"model2vec","normalize":false})");
    write("tokenizer.json",
          R"({"model":{"type":"WordPiece","unk_token":"[UNK]","vocab":{"a":0,"[UNK]":1}}})");
  }
  ~StaticEmbeddingTest() override { fs::remove_all(folder_); }

  void write(const std::string& file, const std::string& text) {
    std::ofstream(folder_ / file, std::ios::binary) << text;
  }

  void write_weights(const std::vector<Tensor>& tensors) {
    std::string header = "{", data;
    for (const Tensor& t : tensors) {
      const std::size_t first = data.size();
      data += t.bytes;
      header += std::string(header.size() > 1 ? "," : "") + "\"" + t.name + "\":{\"dtype\":\"" +
                t.dtype + "\",\"shape\":" + t.shape + ",\"data_offsets\":[" +
                std::to_string(first) + "," + std::to_string(data.size()) + "]}";
    }
    header += "}";
    std::string length(8, '\0');
    length[0] = static_cast<char>(header.size() & 0xFF);
    length[1] = static_cast<char>(header.size() >> 8);
    write("model.safetensors", length + header + data);
  }

  /// The vector of these ids, or the error in place of it.
  std::vector<float> encode(const std::vector<TokenId>& ids, std::string* error = nullptr) {
    const fs::path packed = folder_ / "packed";
    const Status status = pack(folder_, packed);
    if (!status) {
      if (error != nullptr) *error = status.error().to_string();
      return {};
    }
    const auto encoder = Encoder::open(packed);
    EXPECT_TRUE(encoder) << encoder.error().to_string();
    std::vector<float> vector((*encoder)->dims());
    const Sequence sequence{ids, 0};
    const Status encoded =
        (*encoder)->encode({&sequence, 1}, *(*encoder)->make_workspace(), vector.data());
    if (!encoded && error != nullptr) *error = encoded.error().to_string();
    return vector;
  }

  std::string error_of(const std::vector<Tensor>& tensors) {
    write_weights(tensors);
    std::string error;
    encode({0}, &error);
    return error;
  }

  fs::path folder_;
};

const Tensor kInt8Rows{"embeddings", "I8", "[2,3]", {1, 2, 3, 4, 5, -6}};

TEST_F(StaticEmbeddingTest, TheUnknownTokenDoesNotTakePart) {
  write_weights({kInt8Rows});
  EXPECT_THAT(encode({0}), testing::ElementsAre(1, 2, 3));
  EXPECT_THAT(encode({0, 1, 1}), testing::ElementsAre(1, 2, 3));
  EXPECT_THAT(encode({1}), testing::Each(0.0F));
  EXPECT_THAT(encode({}), testing::Each(0.0F));
}

TEST_F(StaticEmbeddingTest, AMappingSharesRows) {
  write_weights({kInt8Rows, {"mapping", "I8", "[4]", {1, 0, 1, 1}}});
  EXPECT_THAT(encode({0}), testing::ElementsAre(4, 5, -6));
  EXPECT_THAT(encode({0, 3}), testing::ElementsAre(4, 5, -6));
}

TEST_F(StaticEmbeddingTest, IdsBeyondTheTableAreRefused) {
  write_weights({kInt8Rows});
  std::string error;
  encode({2}, &error);
  EXPECT_THAT(error, testing::HasSubstr("outside the vocabulary of 2"));
}

TEST_F(StaticEmbeddingTest, WhatDoesNotFitIsSaid) {
  using testing::HasSubstr;
  EXPECT_THAT(error_of({{"other", "I8", "[1]", "a"}}), HasSubstr("neither a tensor"));
  EXPECT_THAT(error_of({{"embeddings", "I8", "[2]", "ab"}}), HasSubstr("has the shape [2]"));
  EXPECT_THAT(error_of({{"embeddings", "I16", "[1,1]", "ab"}}), HasSubstr("I16"));
  EXPECT_THAT(error_of({{kInt8Rows}, {"mapping", "I8", "[2]", {0, 2}}}), HasSubstr("'mapping'"));
  EXPECT_THAT(error_of({{kInt8Rows}, {"mapping", "I8", "[2]", {0, -1}}}), HasSubstr("'mapping'"));
  EXPECT_THAT(error_of({{kInt8Rows}, {"mapping", "BOOL", "[2]", {0, 1}}}), HasSubstr("BOOL"));
  EXPECT_THAT(error_of({{kInt8Rows}, {"weights", "F16", "[1]", "ab"}}), HasSubstr("weights"));
  write("tokenizer.json", "[]");
  EXPECT_THAT(error_of({kInt8Rows}), HasSubstr("is not a tokenizer"));
  fs::remove(folder_ / "tokenizer.json");
  EXPECT_THAT(error_of({kInt8Rows}), HasSubstr("tokenizer.json"));
}

TEST_F(StaticEmbeddingTest, DescribesItself) {
  write_weights({kInt8Rows});
  auto description = describe(folder_);
  ASSERT_TRUE(description) << description.error().to_string();
  EXPECT_EQ(description->architecture, "static");
  EXPECT_EQ(description->dims, 3u);
  EXPECT_EQ(description->vocab, 2u);
  EXPECT_EQ(description->max_tokens, 512u);
  EXPECT_FALSE(description->special_tokens || description->normalized);
  write("config.json", R"({"model_type":"model2vec","normalize":true,"max_length":7})");
  description = describe(folder_);
  ASSERT_TRUE(description);
  EXPECT_EQ(description->max_tokens, 7u);
  EXPECT_TRUE(description->normalized);
}

}  // namespace
}  // namespace vecmill::encode
