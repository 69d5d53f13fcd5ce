#include "vecmill/encode/model_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "vecmill/encode/modules_config.h"

namespace vecmill::encode {
namespace {

constexpr const char* kBert =
    R"({"model_type":"bert","hidden_size":8,"num_attention_heads":2,"intermediate_size":16,)"
    R"("num_hidden_layers":1,"vocab_size":10,"max_position_embeddings":12})";

/// A model folder's files with one of them replaced or added.
ConfigFiles files_with(const std::string& name, const std::string& text) {
  ConfigFiles files = {
      {"config.json", kBert},
      {"modules.json",
       R"([{"path":"","type":"sentence_transformers.models.Transformer"},)"
       R"({"path":"1_Pooling","type":"sentence_transformers.models.Pooling"},)"
       R"({"path":"2_Dense","type":"sentence_transformers.models.Dense"},)"
       R"({"path":"3_Normalize","type":"sentence_transformers.models.Normalize"}])"},
      {"1_Pooling/config.json", R"({"word_embedding_dimension":8,"pooling_mode_cls_token":true,)"
                                R"("pooling_mode_mean_tokens":true})"},
      {"2_Dense/config.json", R"({"in_features":16,"out_features":4})"},
      {"sentence_bert_config.json", R"({"max_seq_length":9,"do_lower_case":true})"},
      {"config_sentence_transformers.json",
       R"({"prompts":{"query":"q: ","x":null},"default_prompt_name":"query",)"
       R"("similarity_fn_name":"dot"})"},
  };
  files[name] = text;
  return files;
}

TEST(ModelConfigTest, UnderstandsTheOldLayout) {
  const auto model = parse_model_config(files_with("ignored.json", "?"), "m");
  ASSERT_TRUE(model) << model.error().to_string();
  const ModelDescription& d = model->description;
  EXPECT_EQ(d.architecture, "bert");
  EXPECT_EQ(d.dims, 4u);
  EXPECT_EQ(d.max_tokens, 9u);
  EXPECT_TRUE(d.lowercase);
  EXPECT_TRUE(d.normalized);
  EXPECT_EQ(d.similarity, "dot");
  EXPECT_EQ(d.default_prompt, "query");
  EXPECT_THAT(d.prompts, testing::ElementsAre(testing::Pair("query", "q: ")));
  EXPECT_THAT(d.modules,
              testing::ElementsAre("transformer", "pooling cls+mean", "dense 4 Tanh", "normalize"));
}

TEST(ModelConfigTest, UnderstandsTheLayoutSince54) {
  ConfigFiles files = {
      {"config.json", kBert},
      {"modules.json",
       R"([{"path":"","type":"sentence_transformers.base.modules.transformer.Transformer"},)"
       R"({"path":"1_Pooling","type":"sentence_transformers.sentence_transformer.modules.pooling.Pooling"}])"},
      {"1_Pooling/config.json",
       R"({"embedding_dimension":8,"pooling_mode":["lasttoken","cls"],"include_prompt":false})"},
      {"sentence_bert_config.json",
       R"({"transformer_task":"feature-extraction","module_output_name":"token_embeddings",)"
       R"("modality_config":{"text":{"method":"forward","method_output_name":"last_hidden_state"}}})"},
      {"tokenizer_config.json", R"({"model_max_length":7})"},
  };
  auto model = parse_model_config(files, "m");
  ASSERT_TRUE(model) << model.error().to_string();
  EXPECT_EQ(model->description.max_tokens, 7u);
  EXPECT_FALSE(model->description.include_prompt);
  EXPECT_THAT(model->pooling.modes,
              testing::ElementsAre(PoolingMode::kLastToken, PoolingMode::kCls));
  files["tokenizer_config.json"] = R"({"model_max_length":1000000000000000019884624838656})";
  model = parse_model_config(files, "m");
  ASSERT_TRUE(model);
  EXPECT_EQ(model->description.max_tokens, 12u);  // the positions there are
}

TEST(ModelConfigTest, ABareFolderTakesTheMean) {
  const auto model = parse_model_config({{"config.json", kBert}}, "m");
  ASSERT_TRUE(model) << model.error().to_string();
  EXPECT_THAT(model->description.modules, testing::ElementsAre("transformer", "pooling mean"));
  EXPECT_FALSE(model->description.normalized);
}

struct FamilyCase {
  const char* type;
  std::uint32_t usable, layers;
};

TEST(ModelConfigTest, FillsInEachFamilysDefaults) {
  const FamilyCase cases[] = {{"bert", 512, 12},        {"roberta", 510, 12},
                              {"xlm-roberta", 510, 12}, {"camembert", 510, 12},
                              {"mpnet", 510, 12},       {"distilbert", 512, 6}};
  for (const FamilyCase& family : cases) {
    const auto config =
        parse_transformer_config(R"({"model_type":")" + std::string(family.type) + "\"}", "c");
    ASSERT_TRUE(config) << config.error().to_string();
    EXPECT_EQ(name(config->family), family.type);
    EXPECT_EQ(config->usable_positions(), family.usable);
    EXPECT_EQ(config->layers, family.layers);
    EXPECT_EQ(config->relative_buckets, config->family == Family::kMpnet ? 32u : 0u);
  }
}

struct BadFile {
  const char* name;
  const char* text;
  ErrorKind kind;
  const char* message;
};

TEST(ModelConfigTest, RefusesByName) {
  constexpr auto kBad = ErrorKind::kInvalidData;
  constexpr auto kUnknown = ErrorKind::kUnsupported;
  const std::string deep = std::string(100000, '[') + std::string(100000, ']');
  const char* modules = "modules.json";
  const char* config = "config.json";
  const char* pooling = "1_Pooling/config.json";
  const char* dense = "2_Dense/config.json";
  const char* settings = "sentence_bert_config.json";
  const BadFile cases[] = {
      {config, "{", kBad, "config.json: is not valid JSON"},
      {config, "[]", kBad, "not a JSON object"},
      {config, "{}", kBad, "no 'model_type'"},
      {config, R"({"model_type":"t5"})", kUnknown, "architecture 't5'"},
      {config, R"({"model_type":"bert","hidden_act":"mish"})", kUnknown, "activation 'mish'"},
      {config, R"({"model_type":"bert","position_embedding_type":"relative_key"})", kUnknown,
       "position type 'relative_key'"},
      {config, R"({"model_type":"bert","is_decoder":true})", kUnknown, "is_decoder"},
      {config, R"({"model_type":"bert","quantization_config":{}})", kUnknown,
       "quantization_config"},
      {config, R"({"model_type":"bert","hidden_size":-8})", kBad, "'hidden_size'"},
      {config, R"({"model_type":"bert","hidden_size":10,"num_attention_heads":3})", kBad,
       "not a multiple of the 3 heads"},
      {config, R"({"model_type":"bert","num_hidden_layers":0})", kBad, "layers is 0"},
      {config, R"({"model_type":"bert","layer_norm_eps":0})", kBad, "layer_norm_eps"},
      {config, R"({"model_type":"roberta","max_position_embeddings":2})", kBad, "no position"},
      {config, R"({"model_type":"mpnet","relative_attention_num_buckets":3})", kBad, "buckets"},
      {modules, "{}", kBad, "not a list of modules"},
      {modules, deep.c_str(), kBad, "not valid JSON"},
      {modules, "[{}]", kBad, "no 'type' and 'path'"},
      {modules, R"([{"path":"../x","type":"sentence_transformers.models.Transformer"}])", kBad,
       "outside the model folder"},
      {modules, R"([{"path":"","type":"my_code.Thing"}])", kUnknown, "my_code.Thing"},
      {modules, R"([{"path":"","type":"sentence_transformers.models.BoW"}])", kUnknown, "'BoW'"},
      {modules, R"([{"path":"","type":"sentence_transformers.models.Transformer"}])", kUnknown,
       "without Pooling"},
      {pooling, R"({"word_embedding_dimension":9})", ErrorKind::kMismatch, "takes 9 components"},
      {pooling, R"({"word_embedding_dimension":8,"pooling_mode":"median"})", kUnknown, "median"},
      {pooling, R"({"word_embedding_dimension":8,"pooling_mode_new":true})", kUnknown,
       "pooling_mode_new"},
      {pooling, R"({"word_embedding_dimension":8,"pooling_mode":[]})", kBad, "empty list"},
      {dense, R"({"in_features":8,"out_features":4})", ErrorKind::kMismatch, "takes 8 components"},
      {dense, R"({"in_features":16,"out_features":4,"activation_function":"torch.nn.Mish"})",
       kUnknown, "torch.nn.Mish"},
      {dense, R"({"in_features":16,"out_features":4,"activation_function":"evil.Tanh"})", kUnknown,
       "evil.Tanh"},
      {dense, R"({"in_features":16,"out_features":4,"module_input_name":"token_embeddings"})",
       kUnknown, "token_embeddings"},
      {settings, R"({"transformer_task":"fill-mask"})", kUnknown, "fill-mask"},
      {settings, R"({"query_expansion":{"length":3}})", kUnknown, "query_expansion"},
      {settings, R"({"modality_config":{"text":{"method":"get_text_features"}}})", kUnknown,
       "modality_config"},
      {settings, R"({"modality_config":[]})", kUnknown, "modality_config"},
      {settings, R"({"max_seq_length":"many"})", kBad, "'max_seq_length'"},
      {"config_sentence_transformers.json", R"({"prompts":{"a":1}})", kBad, "prompt 'a'"},
      {"config_sentence_transformers.json", R"({"default_prompt_name":"q"})", kBad,
       "no prompt 'q'"},
  };
  for (const BadFile& bad : cases) {
    const auto model = parse_model_config(files_with(bad.name, bad.text), "folder");
    ASSERT_FALSE(model) << bad.text;
    EXPECT_EQ(model.error().kind, bad.kind) << model.error().to_string();
    EXPECT_THAT(model.error().to_string(), testing::HasSubstr(bad.message)) << bad.text;
    EXPECT_THAT(model.error().where, testing::HasSubstr("folder/")) << bad.text;
  }
}

TEST(ModelConfigTest, AMissingFileIsNamed) {
  ConfigFiles files = files_with("x", "");
  files.erase("2_Dense/config.json");
  const auto model = parse_model_config(files, "folder");
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().kind, ErrorKind::kNotFound);
  EXPECT_THAT(model.error().where, "folder/2_Dense/config.json");
}

}  // namespace
}  // namespace vecmill::encode
