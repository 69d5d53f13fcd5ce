#include "vecmill/tokenize/vocab_txt.h"

#include "vecmill/base/mapped_file.h"
#include "vecmill/base/utf8.h"
#include "vecmill/tokenize/pipeline.h"
#include "vecmill/tokenize/unicode.h"
#include "vecmill/tokenize/word_piece.h"

namespace vecmill::tokenize {
namespace {

std::string_view without_space_behind(std::string_view line) {
  while (!line.empty()) {
    std::size_t last = line.size() - 1;
    while (last > 0 && (static_cast<unsigned char>(line[last]) & 0xC0) == 0x80) --last;
    if (!has(decode_utf8(line, last).value, kWhiteSpace)) break;
    line = line.substr(0, last);
  }
  return line;
}

Result<Vocabulary> read_vocabulary(std::string_view text, const std::string& where) {
  const auto wrong = [&](const std::string& what) {
    return make_error(ErrorKind::kInvalidData, what, where,
                      "only the vocabulary of a BERT model can stand alone");
  };
  if (!is_valid_utf8(text)) return wrong("is not UTF-8");
  Vocabulary vocabulary;
  TokenId id = 0;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (id >= kIdLimit) return wrong("has more tokens than any model");
    vocabulary.set(without_space_behind(text.substr(0, end)), id++);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  for (const std::string_view token : {"[UNK]", "[CLS]", "[SEP]"}) {
    if (!vocabulary.find(token)) return wrong("has no " + std::string(token));
  }
  return vocabulary;
}

}  // namespace

Result<Tokenizer> make_bert_tokenizer(std::string_view vocab_txt, const std::string& where,
                                      const BertNormalizerOptions& options) {
  VECMILL_ASSIGN(Vocabulary vocabulary, read_vocabulary(vocab_txt, where));
  std::vector<AddedToken> special;
  for (const char* token : {"[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"}) {
    if (vocabulary.find(token)) special.push_back({.content = token});
  }
  PipelineParts parts;
  parts.post = PostProcessor({*vocabulary.find("[CLS]"), std::nullopt, *vocabulary.find("[SEP]")});
  parts.normalizer = make_bert_normalizer(options);
  parts.pre_tokenizer = make_bert_pre_tokenizer();
  parts.model = std::make_unique<WordPiece>(std::move(vocabulary), WordPieceOptions{});
  VECMILL_ASSIGN(parts.added, AddedTokens::make(std::move(special), *parts.model,
                                                parts.normalizer.get(), where));
  return Tokenizer(std::make_shared<const Tokenizer::Pipeline>(std::move(parts)));
}

Result<Tokenizer> Tokenizer::from_vocab_txt(std::string_view text, const std::string& where,
                                            bool lowercase) {
  BertNormalizerOptions options;
  options.lowercase = options.strip_accents = lowercase;
  return make_bert_tokenizer(text, where, options);
}

Result<BertNormalizerOptions> read_bert_options(const std::filesystem::path& model_folder) {
  const std::filesystem::path path = model_folder / "tokenizer_config.json";
  BertNormalizerOptions options;
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return options;
  VECMILL_ASSIGN(const std::string json, read_file(path));
  simdjson::dom::parser parser;
  simdjson::dom::element document;
  if (parser.parse(json).get(document) != simdjson::SUCCESS) {
    return make_error(ErrorKind::kInvalidData, "is not valid JSON", path.string());
  }
  const JsonNode node(document, path.string());
  VECMILL_ASSIGN(options.lowercase, node.bool_or("do_lower_case", true));
  VECMILL_ASSIGN(options.strip_accents, node.bool_or("strip_accents", options.lowercase));
  VECMILL_ASSIGN(options.handle_chinese_chars, node.bool_or("tokenize_chinese_chars", true));
  return options;
}

}  // namespace vecmill::tokenize
