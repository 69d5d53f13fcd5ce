#include <array>

#include "vecmill/tokenize/pipeline.h"
#include "vecmill/tokenize/sentencepiece_model.h"
#include "vecmill/tokenize/unigram.h"
#include "vecmill/tokenize/vocabulary.h"

namespace vecmill::tokenize {
namespace {

using Type = SentencePieceModel::Type;

constexpr TokenId kBegin = 0, kEnd = 2, kUnknown = 3;
constexpr std::size_t kSpecialPieces = 3;  ///< <unk>, <s> and </s> of SentencePiece itself

/// As transformers lays out the ids of the XLM-RoBERTa family: four tokens of fairseq, the pieces
/// without the special ones, <mask>.
std::vector<Unigram::Piece> lay_out(const SentencePieceModel& model) {
  std::vector<Unigram::Piece> pieces{{"<s>", 0}, {"<pad>", 0}, {"</s>", 0}, {"<unk>", 0}};
  for (std::size_t i = kSpecialPieces; i < model.pieces.size(); ++i) {
    pieces.push_back({model.pieces[i].text, model.pieces[i].score});
  }
  pieces.push_back({"<mask>", 0});
  return pieces;
}

std::vector<AddedToken> added_tokens(const SentencePieceModel& model) {
  std::vector<AddedToken> tokens;
  for (const SentencePieceModel::Piece& piece : model.pieces) {
    if (piece.type == Type::kControl || piece.type == Type::kUserDefined) {
      tokens.push_back({.content = piece.text});
    }
  }
  for (const char* token : {"<s>", "</s>", "<unk>", "<pad>"}) tokens.push_back({.content = token});
  tokens.push_back({.content = "<mask>", .lstrip = true});
  return tokens;
}

Result<std::unique_ptr<Normalizer>> make_spm_normalizer(const SentencePieceModel& model,
                                                        const std::string& where) {
  std::vector<std::unique_ptr<Normalizer>> steps;
  if (!model.charsmap.empty()) {
    VECMILL_ASSIGN(auto step, make_charsmap_normalizer(model.charsmap, where));
    steps.push_back(std::move(step));
  }
  constexpr std::string_view kRest = R"({"type": "Sequence", "normalizers": [
      {"type": "Strip", "strip_left": false, "strip_right": true},
      {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": "▁"}]})";
  simdjson::dom::parser parser;
  VECMILL_ASSIGN(auto rest, make_normalizer(JsonNode(parser.parse(kRest).value(), where)));
  steps.push_back(std::move(rest));
  return make_normalizer_sequence(std::move(steps));
}

}  // namespace

Result<Tokenizer> Tokenizer::from_sentencepiece(std::string_view proto, const std::string& where) {
  VECMILL_ASSIGN(const SentencePieceModel model, SentencePieceModel::parse(proto, where));
  if (model.algorithm != SentencePieceModel::Algorithm::kUnigram) {
    return make_error(ErrorKind::kUnsupported, "is not a Unigram model", where,
                      "take the tokenizer.json of the model");
  }
  if (model.pieces.size() < kSpecialPieces || model.pieces[0].type != Type::kUnknown) {
    return make_error(ErrorKind::kUnsupported,
                      "does not begin with <unk>, <s> and </s> as models of the XLM-RoBERTa "
                      "family do",
                      where, "take the tokenizer.json of the model");
  }
  if (model.pieces.size() >= static_cast<std::size_t>(kIdLimit) - kSpecialPieces) {
    return make_error(ErrorKind::kInvalidData, "has more pieces than any model", where);
  }
  PipelineParts parts;
  VECMILL_ASSIGN(parts.normalizer, make_spm_normalizer(model, where));
  parts.pre_tokenizer = make_metaspace({});
  parts.model = std::make_unique<Unigram>(lay_out(model), Unigram::Options{.unk_id = kUnknown});
  parts.post = PostProcessor({kBegin, std::nullopt, kEnd});
  VECMILL_ASSIGN(parts.added, AddedTokens::make(added_tokens(model), *parts.model,
                                                parts.normalizer.get(), where));
  return Tokenizer(std::make_shared<const Pipeline>(std::move(parts)));
}

}  // namespace vecmill::tokenize
