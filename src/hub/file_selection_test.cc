#include "vecmill/hub/file_selection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vecmill::hub {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Paths = std::vector<std::string>;

TEST(FileSelectionTest, TakesWhatAnEncoderNeeds) {
  const Paths all = {".gitattributes",
                     "1_Pooling/config.json",
                     "2_Dense/config.json",
                     "2_Dense/model.safetensors",
                     "2_Dense/pytorch_model.bin",
                     "README.md",
                     "config.json",
                     "config_sentence_transformers.json",
                     "flax_model.msgpack",
                     "model.safetensors",
                     "modules.json",
                     "onnx/model.onnx",
                     "openvino/openvino_model.bin",
                     "pytorch_model.bin",
                     "rust_model.ot",
                     "sentence_bert_config.json",
                     "special_tokens_map.json",
                     "tf_model.h5",
                     "tokenizer.json",
                     "tokenizer_config.json",
                     "train_script.py",
                     "training/config.json",
                     "vocab.txt"};
  EXPECT_THAT(
      select_files(all, {"1_Pooling", "2_Dense"}),
      ElementsAre("1_Pooling/config.json", "2_Dense/config.json", "2_Dense/model.safetensors",
                  "config.json", "config_sentence_transformers.json", "model.safetensors",
                  "modules.json", "sentence_bert_config.json", "special_tokens_map.json",
                  "tokenizer.json", "tokenizer_config.json", "vocab.txt"));
}

TEST(FileSelectionTest, TakesOneFormOfTheWeights) {
  const struct {
    Paths all, chosen;
  } cases[] = {
      {{"model.safetensors", "model.safetensors.index.json", "pytorch_model.bin"},
       {"model.safetensors"}},
      {{"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
        "model.safetensors.index.json", "pytorch_model.bin"},
       {"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
        "model.safetensors.index.json"}},
      {{"pytorch_model-00001-of-00001.bin", "pytorch_model.bin.index.json"},
       {"pytorch_model-00001-of-00001.bin", "pytorch_model.bin.index.json"}},
      {{"pytorch_model.bin", "training_args.bin", "model.onnx"}, {"pytorch_model.bin"}},
      {{"colbert_linear.pt", "sparse_linear.pt", "sparse_linear.safetensors"},
       {"colbert_linear.pt", "sparse_linear.safetensors"}},
      {{"optimizer.pt", "scheduler.pt"}, {}},
  };
  for (const auto& c : cases) EXPECT_EQ(select_files(c.all, {}), c.chosen) << c.all.front();
}

TEST(FileSelectionTest, NamesOfConvertedWeights) {
  EXPECT_EQ(safetensors_name("pytorch_model.bin"), "model.safetensors");
  EXPECT_EQ(safetensors_name("2_Dense/pytorch_model.bin"), "2_Dense/model.safetensors");
  EXPECT_EQ(safetensors_name("pytorch_model-00001-of-00002.bin"),
            "model-00001-of-00002.safetensors");
  EXPECT_EQ(safetensors_name("sparse_linear.pt"), "sparse_linear.safetensors");
}

TEST(FileSelectionTest, TheIndexNamesConvertedShards) {
  const auto index =
      convert_index(R"({"weight_map": {"w": "pytorch_model-00001-of-00001.bin"}})", "index");
  ASSERT_TRUE(index);
  EXPECT_THAT(*index, HasSubstr(R"("w": "model-00001-of-00001.safetensors")"));
  for (const char* bad : {"", "[]", R"({"weight_map": {"w": 1}})"}) {
    EXPECT_EQ(convert_index(bad, "index").error().kind, ErrorKind::kInvalidData) << bad;
  }
}

TEST(FileSelectionTest, FindsTheModelInATree) {
  const std::pair<Paths, std::string> cases[] = {
      {{"config.json", "model.safetensors"}, ""},
      {{"pkg/__init__.py", "pkg/model/config.json", "pkg/model/pytorch_model.bin"}, "pkg/model/"},
      {{"m/0_Transformer/config.json", "m/0_Transformer/model.safetensors", "m/modules.json"},
       "m/"},
      {{"a/config.json", "b/config.json", "b/model-00001-of-00002.safetensors"}, "b/"},
  };
  for (const auto& [all, root] : cases) {
    const auto found = find_model_root(all, "x");
    ASSERT_TRUE(found) << found.error().to_string();
    EXPECT_EQ(*found, root);
  }
  EXPECT_EQ(find_model_root({"config.json", "readme"}, "x").error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(find_model_root({"a/modules.json", "b/modules.json"}, "x").error().kind,
            ErrorKind::kInvalidData);
}

TEST(FileSelectionTest, ModuleFoldersAreReadFromTheList) {
  const auto folders = parse_module_folders(
      R"([{"path":"","type":"t"},{"path":".","type":"t"},{"path":"1_Normalize","type":"t"}])", "m");
  ASSERT_TRUE(folders) << folders.error().to_string();
  EXPECT_EQ(*folders, std::vector<std::string>{"1_Normalize"});
  EXPECT_FALSE(parse_module_folders(R"([{"path":"../x","type":"t"}])", "m"));
}

}  // namespace
}  // namespace vecmill::hub
