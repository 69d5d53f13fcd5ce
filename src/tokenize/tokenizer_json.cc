#include <simdjson.h>

#include "vecmill/tokenize/bpe.h"
#include "vecmill/tokenize/pipeline.h"
#include "vecmill/tokenize/unigram.h"
#include "vecmill/tokenize/word_level.h"
#include "vecmill/tokenize/word_piece.h"

namespace vecmill::tokenize {
namespace {

/// Files that older versions wrote lack the type; the library tries the models in this order.
std::string_view infer_model_type(const JsonNode& node) {
  if (node.find("merges")) return "BPE";
  if (node.find("continuing_subword_prefix") && node.find("max_input_chars_per_word")) {
    return "WordPiece";
  }
  const auto vocab = node.find("vocab");
  return vocab && vocab->is_array() ? "Unigram" : "WordLevel";
}

Result<std::unique_ptr<Model>> make_model(const JsonNode& node,
                                          const simdjson::padded_string& json) {
  if (!node.is_object()) return node.wrong("is not an object");
  VECMILL_ASSIGN(const std::string_view type, node.string_or("type", infer_model_type(node)));
  if (type == "WordPiece") return WordPiece::from_json(node);
  if (type == "Unigram") return Unigram::from_json(node, json);
  if (type == "BPE") return Bpe::from_json(node);
  if (type == "WordLevel") return WordLevel::from_json(node);
  return node.unsupported("unknown model \"" + std::string(type) + "\"");
}

Result<PipelineParts> read_parts(const JsonNode& root, const simdjson::padded_string& json) {
  if (!root.is_object()) return root.wrong("is not an object");
  VECMILL_TRY(root.only({"version", "truncation", "padding", "added_tokens", "normalizer",
                         "pre_tokenizer", "post_processor", "decoder", "model"}));
  VECMILL_ASSIGN(const std::string_view version, root.string_or("version", "1.0"));
  if (version != "1.0") return root.unsupported("unknown version \"" + std::string(version) + "\"");
  PipelineParts parts;
  VECMILL_ASSIGN(const JsonNode model, root.at("model"));
  VECMILL_ASSIGN(parts.model, make_model(model, json));
  if (const auto node = root.find("normalizer")) {
    VECMILL_ASSIGN(parts.normalizer, make_normalizer(*node));
  }
  if (const auto node = root.find("pre_tokenizer")) {
    VECMILL_ASSIGN(parts.pre_tokenizer, make_pre_tokenizer(*node));
  }
  if (const auto node = root.find("post_processor")) {
    VECMILL_ASSIGN(parts.post, PostProcessor::from_json(*node));
  }
  if (const auto node = root.find("added_tokens")) {
    VECMILL_ASSIGN(std::vector<AddedToken> tokens, AddedTokens::read(*node));
    VECMILL_ASSIGN(parts.added, AddedTokens::make(std::move(tokens), *parts.model,
                                                  parts.normalizer.get(), node->place()));
  }
  return parts;
}

}  // namespace

Result<Tokenizer> Tokenizer::from_json(std::string_view json, const std::string& where) {
  const simdjson::padded_string padded(json);
  simdjson::dom::parser parser;
  simdjson::dom::element document;
  if (const auto error = parser.parse(padded).get(document); error != simdjson::SUCCESS) {
    return make_error(ErrorKind::kInvalidData,
                      std::string("is not valid JSON: ") + simdjson::error_message(error), where,
                      "download the file again");
  }
  VECMILL_ASSIGN(PipelineParts parts, read_parts(JsonNode(document, where), padded));
  return Tokenizer(std::make_shared<const Pipeline>(std::move(parts)));
}

}  // namespace vecmill::tokenize
