// The config.json files that the models on the Hub have, and what is refused of their variants.
#include "vecmill/encode/family_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vecmill::encode {
namespace {

struct Published {
  const char* model;
  const char* config;
  const char* family;
  std::uint32_t hidden, layers, positions;  // positions: the longest text
};

constexpr Published kPublished[] = {
    {"BAAI/bge-base-en-v1.5",
     R"({"architectures":["BertModel"],"classifier_dropout":null,"hidden_act":"gelu","hidden_size":768,
         "id2label":{"0":"LABEL_0"},"intermediate_size":3072,"layer_norm_eps":1e-12,
         "max_position_embeddings":512,"model_type":"bert","num_attention_heads":12,"num_hidden_layers":12,
         "pad_token_id":0,"position_embedding_type":"absolute","torch_dtype":"float32","type_vocab_size":2,
         "use_cache":true,"vocab_size":30522})",
     "bert", 768, 12, 512},
    {"thenlper/gte-small",
     R"({"architectures":["BertModel"],"hidden_size":384,"intermediate_size":1536,"model_type":"bert",
         "num_attention_heads":12,"num_hidden_layers":12,"type_vocab_size":2,"vocab_size":30522})",
     "bert", 384, 12, 512},
    {"Snowflake/snowflake-arctic-embed-m",
     R"({"_name_or_path":"./bert","architectures":["BertModel"],"hidden_size":768,"model_type":"bert",
         "num_attention_heads":12,"num_hidden_layers":12,"vocab_size":30522})",
     "bert", 768, 12, 512},
    {"intfloat/multilingual-e5-small",
     R"({"architectures":["BertModel"],"hidden_size":384,"intermediate_size":1536,"model_type":"bert",
         "num_attention_heads":12,"num_hidden_layers":12,"tokenizer_class":"XLMRobertaTokenizer",
         "type_vocab_size":2,"vocab_size":250037})",
     "bert", 384, 12, 512},
    {"intfloat/multilingual-e5-large",
     R"({"architectures":["XLMRobertaModel"],"bos_token_id":0,"eos_token_id":2,"hidden_size":1024,
         "intermediate_size":4096,"layer_norm_eps":1e-05,"max_position_embeddings":514,
         "model_type":"xlm-roberta","num_attention_heads":16,"num_hidden_layers":24,"output_past":true,
         "pad_token_id":1,"position_embedding_type":"absolute","type_vocab_size":1,"vocab_size":250002})",
     "xlm-roberta", 1024, 24, 512},
    {"google/electra-small-discriminator",
     R"({"architectures":["ElectraForPreTraining"],"embedding_size":128,"hidden_size":256,"model_type":"electra",
         "intermediate_size":1024,"max_position_embeddings":512,"num_attention_heads":4,"num_hidden_layers":12,
         "summary_type":"first","type_vocab_size":2,"vocab_size":30522})",
     "electra", 256, 12, 512},
    {"answerdotai/ModernBERT-base",
     R"({"architectures":["ModernBertForMaskedLM"],"attention_bias":false,"global_attn_every_n_layers":3,
         "global_rope_theta":160000.0,"hidden_activation":"gelu","hidden_size":768,"intermediate_size":1152,
         "layer_norm_eps":1e-05,"local_attention":128,"local_rope_theta":10000.0,"max_position_embeddings":8192,
         "mlp_bias":false,"model_type":"modernbert","norm_bias":false,"norm_eps":1e-05,"num_attention_heads":12,
         "num_hidden_layers":22,"pad_token_id":50283,"position_embedding_type":"absolute","vocab_size":50368})",
     "modernbert", 768, 22, 8192},
    {"nomic-ai/nomic-embed-text-v1.5",
     R"({"activation_function":"swiglu","architectures":["NomicBertModel"],
         "auto_map":{"AutoConfig":"nomic-ai/nomic-bert-2048--configuration_hf_nomic_bert.NomicBertConfig",
                     "AutoModel":"nomic-ai/nomic-bert-2048--modeling_hf_nomic_bert.NomicBertModel"},
         "causal":false,"layer_norm_epsilon":1e-12,"max_trained_positions":2048,"mlp_fc1_bias":false,
         "mlp_fc2_bias":false,"model_type":"nomic_bert","n_embd":768,"n_head":12,"n_inner":3072,"n_layer":12,
         "n_positions":8192,"parallel_block":false,"prenorm":false,"qkv_proj_bias":false,"rotary_emb_base":1000,
         "rotary_emb_fraction":1.0,"rotary_emb_interleaved":false,"rotary_emb_scale_base":null,
         "rotary_scaling_factor":null,"type_vocab_size":2,"use_rms_norm":false,"vocab_size":30528})",
     "nomic_bert", 768, 12, 8192},
    {"Alibaba-NLP/gte-base-en-v1.5",
     R"({"architectures":["NewModel"],"auto_map":{"AutoModel":"Alibaba-NLP/new-impl--modeling.NewModel"},
         "hidden_act":"gelu","hidden_size":768,"intermediate_size":3072,"layer_norm_eps":1e-12,
         "layer_norm_type":"layer_norm","logn_attention_clip1":false,"logn_attention_scale":false,
         "max_position_embeddings":8192,"model_type":"new","num_attention_heads":12,"num_hidden_layers":12,
         "pack_qkv":true,"pad_token_id":0,"position_embedding_type":"rope","rope_scaling":{"factor":2.0,"type":"ntk"},
         "rope_theta":500000,"type_vocab_size":0,"unpad_inputs":false,"use_memory_efficient_attention":false,
         "vocab_size":30528})",
     "gte", 768, 12, 8192},
    {"jinaai/jina-embeddings-v2-small-en",
     R"({"architectures":["JinaBertForMaskedLM"],"attn_implementation":"torch","emb_pooler":"mean",
         "auto_map":{"AutoModel":"jinaai/jina-bert-implementation--modeling_bert.JinaBertModel"},
         "feed_forward_type":"geglu","hidden_act":"gelu","hidden_size":512,"intermediate_size":2048,
         "layer_norm_eps":1e-12,"max_position_embeddings":8192,"model_type":"bert","num_attention_heads":8,
         "num_hidden_layers":4,"position_embedding_type":"alibi","type_vocab_size":2,"vocab_size":30528})",
     "jina-bert", 512, 4, 8192},
};

TransformerConfig parse(const char* text) {
  auto config = parse_transformer_config(text, "config.json");
  EXPECT_TRUE(config) << config.error().to_string();
  return config ? *config : TransformerConfig{};
}

TransformerConfig published(const std::string& model) {
  for (const Published& p : kPublished) {
    if (p.model == model) return parse(p.config);
  }
  ADD_FAILURE() << model;
  return {};
}

TEST(FamilyConfigTest, ReadsWhatIsPublished) {
  for (const Published& p : kPublished) {
    SCOPED_TRACE(p.model);
    const TransformerConfig config = parse(p.config);
    EXPECT_EQ(name(config.family), p.family);
    EXPECT_EQ(config.hidden, p.hidden);
    EXPECT_EQ(config.layers, p.layers);
    EXPECT_EQ(config.usable_positions(), p.positions);
  }
}

TEST(FamilyConfigTest, ElectraHasAnEmbeddingWidthOfItsOwn) {
  EXPECT_EQ(published("google/electra-small-discriminator").embedding_width, 128u);
}

void expect_modernbert(const TransformerConfig& config) {
  EXPECT_TRUE(config.pre_norm && config.gated);
  EXPECT_FALSE(config.biases.norm || config.biases.attention || config.biases.ffn_in);
  EXPECT_EQ(config.window, 64u);
  ASSERT_TRUE(config.rotary);
  EXPECT_EQ(config.rotary->base, 160000);
  EXPECT_EQ(config.local_rotary.base, 10000);
  ASSERT_GE(config.is_local.size(), 4u);
  EXPECT_FALSE(config.is_local[0] || config.is_local[3]);
  EXPECT_TRUE(config.is_local[1] && config.is_local[2]);
}

TEST(FamilyConfigTest, ModernBertInItsOldAndItsNewKeys) {
  expect_modernbert(published("answerdotai/ModernBERT-base"));
  expect_modernbert(parse(R"({"model_type":"modernbert"})"));
  expect_modernbert(parse(
      R"({"model_type":"modernbert","num_hidden_layers":4,"rope_parameters":{
          "full_attention":{"rope_type":"default","rope_theta":160000.0},
          "sliding_attention":{"rope_type":"default","rope_theta":10000.0}},"layer_types":
          ["full_attention","sliding_attention","sliding_attention","full_attention"]})"));
}

TEST(FamilyConfigTest, NomicBertInItsOwnKeysAndThoseOfTransformers) {
  for (const TransformerConfig& config :
       {published("nomic-ai/nomic-embed-text-v1.5"), parse(R"({"model_type":"nomic_bert"})")}) {
    EXPECT_TRUE(config.gated);
    EXPECT_FALSE(config.pre_norm || config.biases.attention || config.biases.ffn_in ||
                 config.biases.ffn_out);
    EXPECT_EQ(config.activation, "silu");
    EXPECT_EQ(config.token_types, 2u);
    ASSERT_TRUE(config.rotary);
    EXPECT_EQ(config.rotary->base, 1000);
  }
}

TEST(FamilyConfigTest, GteScalesItsFrequencies) {
  const TransformerConfig config = published("Alibaba-NLP/gte-base-en-v1.5");
  EXPECT_TRUE(config.gated && config.biases.attention && config.biases.ffn_out);
  EXPECT_FALSE(config.biases.ffn_in);
  EXPECT_EQ(config.token_types, 0u);
  ASSERT_TRUE(config.rotary);
  EXPECT_EQ(config.rotary->base, 500000);
  EXPECT_EQ(config.rotary->ntk_factor, 2);
  const TransformerConfig native =
      parse(R"({"model_type":"gte","rope_parameters":{"rope_type":"default","rope_theta":20000}})");
  ASSERT_TRUE(native.rotary);
  EXPECT_EQ(native.rotary->base, 20000);
  EXPECT_EQ(native.rotary->ntk_factor, 1);
}

TEST(FamilyConfigTest, JinaBertHasNoPositions) {
  const TransformerConfig config = published("jinaai/jina-embeddings-v2-small-en");
  EXPECT_TRUE(config.alibi && config.gated);
  EXPECT_FALSE(config.rotary || config.has_position_table());
}

TEST(FamilyConfigTest, RefusesVariantsByName) {
  const std::pair<std::string, const char*> cases[] = {
      {R"("modernbert","rope_scaling":{"type":"linear","factor":2})", "'rope_scaling'"},
      {R"("modernbert","rope_parameters":{"full_attention":{"rope_type":"yarn"}})", "yarn"},
      {R"("modernbert","num_hidden_layers":1,"layer_types":["linear_attention"])",
       "linear_attention"},
      {R"("modernbert","layer_types":["full_attention"])", "'layer_types'"},
      {R"("modernbert","num_hidden_layers":1000000000)", "larger than any model"},
      {R"("modernbert","local_attention":1)", "'local_attention'"},
      {R"("modernbert","global_attn_every_n_layers":0)", "'global_attn_every_n_layers'"},
      {R"("modernbert","hidden_size":36,"num_attention_heads":12)", "heads of an even size"},
      {R"("modernbert","max_position_embeddings":100000000)", "more positions"},
      {R"("modernbert","global_rope_theta":0)", "base or factor"},
      {R"("nomic_bert","n_embd":768)", "no 'rotary_emb_fraction'"},
      {R"("nomic_bert","n_embd":768,"rotary_emb_fraction":0.5)", "'rotary_emb_fraction' = 0.5"},
      {R"("nomic_bert","n_embd":768,"rotary_scaling_factor":2)", "'rotary_scaling_factor' = 2"},
      {R"("nomic_bert","n_embd":768,"num_experts":8)", "'num_experts' = 8"},
      {R"("nomic_bert","n_embd":768,"prenorm":true)", "'prenorm' = true"},
      {R"("nomic_bert","n_embd":768,"rotary_emb_fraction":1,"n_inner":8,"activation_function":"glu")",
       "'activation_function' = \"glu\""},
      {R"("new","position_embedding_type":"absolute")", "position type 'absolute'"},
      {R"("new","layer_norm_type":"rms_norm")", "rms_norm"},
      {R"("new","logn_attention_scale":true)", "'logn_attention_scale'"},
      {R"("new","pack_qkv":false)", "'pack_qkv'"},
      {R"("new","rope_scaling":{"type":"linear","factor":2})", "'rope_scaling'"},
      {R"("new","rope_scaling":{"type":"ntk","factor":2,"mixed_b":1})", "'rope_scaling'"},
      {R"("new","rope_scaling":{"type":"ntk","factor":0})", "base or factor"},
      {R"("new","rope_scaling":3)", "'rope_scaling' is not an object"},
      {R"("new","auto_map":{"AutoModel":"x--y.OtherModel"})", "x--y.OtherModel"},
      {R"("bert","auto_map":{"AutoModel":"x--y.BertModel"})", "x--y.BertModel"},
      {R"("bert","position_embedding_type":"alibi")", "feed-forward type 'original'"},
      {R"("bert","position_embedding_type":"alibi","feed_forward_type":"geglu",)"
       R"("auto_map":{"AutoModel":"jinaai/jina-bert-v2-qk-post-norm--modeling_bert.JinaBertModel"})",
       "qk-post-norm"},
      {R"("electra","embedding_size":0)", "'embedding_size'"},
      {R"("jina-bert")", "architecture 'jina-bert'"},
      {R"("static")", "architecture 'static'"},
  };
  for (const auto& [text, message] : cases) {
    const auto config = parse_transformer_config("{\"model_type\":" + text + "}", "config.json");
    ASSERT_FALSE(config) << text;
    EXPECT_THAT(config.error().to_string(), testing::HasSubstr(message)) << text;
  }
}

}  // namespace
}  // namespace vecmill::encode
