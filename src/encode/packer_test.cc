// Model folders that are not what they should be: one clear line each, and no packed file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <fstream>

#include "vecmill/base/mapped_file.h"
#include "vecmill/encode/encoder.h"
#include "vecmill/encode/safetensors.h"
#include "vecmill/encode/weights.h"
#include "vecmill_source_dir.h"

namespace vecmill::encode {
namespace {
namespace fs = std::filesystem;

class PackerTest : public testing::Test {
 protected:
  PackerTest() {
    std::string name = (fs::temp_directory_path() / "packer_test.XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    model_ = folder_ / "model";
    packed_ = folder_ / "model.vecmill";
  }
  ~PackerTest() override { fs::remove_all(folder_); }

  /// A copy of one of the tiny golden models.
  fs::path copy(const std::string& name) {
    const fs::path source = fs::path(VECMILL_SOURCE_DIR) / "tests" / "golden" / "models" / name;
    fs::copy(source, model_, fs::copy_options::recursive);
    return model_;
  }

  /// Replaces the first `from` in a file by `to`, which has the same length in binary files.
  void edit(const std::string& file, const std::string& from, const std::string& to) {
    auto text = read_file(model_ / file);
    ASSERT_TRUE(text);
    const std::size_t at = text->find(from);
    ASSERT_NE(at, std::string::npos) << from;
    text->replace(at, from.size(), to);
    std::ofstream(model_ / file, std::ios::binary) << *text;
  }

  /// The line the user sees; "" when it worked.
  std::string pack_error() {
    const Status status = pack(model_, packed_);
    EXPECT_EQ(status.has_value(), fs::exists(packed_));
    return status ? "" : status.error().to_string();
  }

  void expect_error(const char* message) {
    const std::string line = pack_error();
    EXPECT_THAT(line, testing::HasSubstr(message));
    EXPECT_THAT(line, testing::HasSubstr(model_.string()));
    EXPECT_THAT(line, testing::Not(testing::HasSubstr("\n")));
    EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1) << "something was left behind";
  }

  fs::path folder_, model_, packed_;
};

TEST_F(PackerTest, APackedModelKeepsItsSourcesDigest) {
  copy("bert-bare");
  ASSERT_EQ(pack_error(), "");
  const auto encoder = Encoder::open(packed_);
  ASSERT_TRUE(encoder) << encoder.error().to_string();
  const auto described = describe(model_);
  ASSERT_TRUE(described);
  EXPECT_EQ((*encoder)->description().modules, described->modules);
  EXPECT_EQ((*encoder)->weights_sha256().size(), 64u);
  EXPECT_TRUE(verify_packed(packed_));
}

TEST_F(PackerTest, TheFingerprintFollowsTheWeights) {
  copy("bert-bare");
  ASSERT_EQ(pack_error(), "");
  const auto before = Encoder::open(packed_);
  auto weights = read_file(model_ / "model.safetensors");
  ASSERT_TRUE(weights);
  weights->back() = static_cast<char>(weights->back() ^ 1);
  std::ofstream(model_ / "model.safetensors", std::ios::binary) << *weights;
  ASSERT_EQ(pack_error(), "");
  const auto after = Encoder::open(packed_);
  ASSERT_TRUE(before && after);
  EXPECT_NE((*before)->fingerprint(), (*after)->fingerprint());
  EXPECT_NE((*before)->weights_sha256(), (*after)->weights_sha256());
}

TEST_F(PackerTest, NoFolder) {
  EXPECT_THAT(pack_error(), testing::HasSubstr("is not a model folder"));
}

TEST_F(PackerTest, NoConfiguration) {
  copy("bert-bare");
  fs::remove(model_ / "config.json");
  expect_error("is missing");
}

TEST_F(PackerTest, NoWeights) {
  copy("bert-bare");
  fs::remove(model_ / "model.safetensors");
  expect_error("has no model.safetensors");
}

TEST_F(PackerTest, OnlyAPickle) {
  copy("bert-bare");
  fs::rename(model_ / "model.safetensors", model_ / "pytorch_model.bin");
  expect_error("vecmill import");
}

TEST_F(PackerTest, ALfsPointer) {
  copy("bert-bare");
  std::ofstream(model_ / "model.safetensors") << "version https://git-lfs.github.com/spec/v1\n";
  expect_error("git lfs pull");
}

TEST_F(PackerTest, CutWeights) {
  copy("bert-bare");
  fs::resize_file(model_ / "model.safetensors", fs::file_size(model_ / "model.safetensors") - 4);
  expect_error("ends beyond the end of the file");
}

TEST_F(PackerTest, AMissingTensor) {
  copy("bert-bare");
  edit("model.safetensors", "encoder.layer.1.output.dense.bias",
       "encoder.layer.1.output.dense.bxas");
  expect_error("tensor 'encoder.layer.1.output.dense.bias' is missing");
}

TEST_F(PackerTest, NoEmbeddingsAtAll) {
  copy("bert-bare");
  edit("model.safetensors", "word_embeddings", "word_embeddxngs");
  expect_error("has no tensor 'embeddings.word_embeddings.weight'");
}

TEST_F(PackerTest, AConfigurationThatContradictsTheWeights) {
  copy("bert-bare");
  edit("config.json", "\"intermediate_size\": 64", "\"intermediate_size\": 65");
  expect_error("has the shape [64, 32], the configuration demands [65, 32]");
}

TEST_F(PackerTest, MoreLayersThanTheConfigurationSays) {
  copy("bert-bare");
  edit("config.json", "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1");
  expect_error("a layer that config.json does not have");
}

TEST_F(PackerTest, FewerLayersThanTheConfigurationSays) {
  copy("bert-bare");
  edit("config.json", "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3");
  expect_error("encoder.layer.2.attention.self.query.weight' is missing");
}

TEST_F(PackerTest, AGatedNetworkOfAnotherSize) {
  copy("modernbert");
  edit("config.json", "\"intermediate_size\": 48", "\"intermediate_size\": 40");
  expect_error("has the shape [96, 32], the configuration demands [80, 32]");
}

TEST_F(PackerTest, ABiasThatTheConfigurationPromises) {
  copy("modernbert");
  edit("config.json", "\"norm_bias\": false", "\"norm_bias\": true ");
  expect_error("norm.bias' is missing");
}

TEST_F(PackerTest, AProjectionOfAnotherSize) {
  copy("electra");
  edit("config.json", "\"embedding_size\": 24", "\"embedding_size\": 32");
  expect_error("has the shape [2, 24], the configuration demands [2, 32]");
}

/// Overwrites the first value of a tensor.
void poison(const fs::path& path, const std::string& tensor, float value) {
  const auto file = MappedFile::open(path);
  ASSERT_TRUE(file);
  const auto table = parse_safetensors(file->bytes(), "w");
  ASSERT_TRUE(table);
  std::fstream out(path, std::ios::in | std::ios::out | std::ios::binary);
  out.seekp(static_cast<std::streamoff>(table->at(tensor).offset));
  out.write(reinterpret_cast<const char*>(&value), sizeof(value));
}

TEST_F(PackerTest, NanAndInfinity) {
  copy("bert-bare");
  for (const char* tensor :
       {"embeddings.word_embeddings.weight", "encoder.layer.0.attention.output.LayerNorm.bias"}) {
    for (const float value : {std::nanf(""), INFINITY}) {
      poison(model_ / "model.safetensors", tensor, value);
      expect_error((std::string("tensor '") + tensor + "': holds a NaN").c_str());
    }
    poison(model_ / "model.safetensors", tensor, 0.5f);
  }
  EXPECT_EQ(pack_error(), "");
}

TEST_F(PackerTest, AShardIsMissing) {
  copy("xlm-roberta");
  fs::remove(model_ / "model-00002-of-00002.safetensors");
  expect_error("model-00002-of-00002.safetensors");
}

TEST_F(PackerTest, AnIndexThatPointsElsewhere) {
  copy("xlm-roberta");
  edit("model.safetensors.index.json", "model-00001", "../../00001");
  expect_error("is outside the folder");
}

TEST_F(PackerTest, AnIndexThatNamesTheWrongShard) {
  copy("xlm-roberta");
  edit("model.safetensors.index.json", "model-00001", "model-00002");
  expect_error("as the index says");
}

TEST_F(PackerTest, AnAdapter) {
  copy("bert-bare");
  std::ofstream(model_ / "adapter_config.json") << "{}";
  expect_error("adapter");
}

TEST_F(PackerTest, ADenseLayerOfAnotherSize) {
  copy("bert");
  edit("2_Dense/config.json", "\"out_features\": 24", "\"out_features\": 25");
  expect_error("has the shape [24, 64], the configuration demands [25, 64]");
}

TEST(WeightIndexTest, RefusesBadIndexes) {
  for (const char* json : {"", "[]", "{}", R"({"weight_map":[]})", R"({"weight_map":{"a":1}})",
                           R"({"weight_map":{"a":""}})", R"({"weight_map":{"a":".."}})",
                           R"({"weight_map":{"a":"/etc/passwd"}})"}) {
    const auto map = parse_weight_index(json, "i");
    ASSERT_FALSE(map) << json;
    EXPECT_EQ(map.error().where, "i");
  }
}

}  // namespace
}  // namespace vecmill::encode
