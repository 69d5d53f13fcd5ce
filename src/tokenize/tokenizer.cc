#include "vecmill/tokenize/tokenizer.h"

#include <algorithm>

#include "vecmill/base/mapped_file.h"
#include "vecmill/base/utf8.h"
#include "vecmill/tokenize/pipeline.h"
#include "vecmill/tokenize/utf8_repair.h"
#include "vecmill/tokenize/vocab_txt.h"

namespace vecmill::tokenize {
namespace {

Status tokenize_any(const Tokenizer::Pipeline& pipeline, std::string_view text,
                    std::vector<TokenId>& ids) {
  if (is_valid_utf8(text)) return pipeline.tokenize(text, ids);
  return pipeline.tokenize(repair_utf8(text), ids);
}

/// How many tokens of the text there is room for.
Result<std::size_t> room_for_text(const PostProcessor& post, const EncodeOptions& options,
                                  std::size_t size) {
  const std::size_t special = options.add_special_tokens ? post.special_tokens() : 0;
  if (options.max_tokens == 0 || post.texts() == 0) return size;
  if (options.max_tokens < special) {
    return make_error(ErrorKind::kInvalidArgument,
                      "a limit of " + std::to_string(options.max_tokens) +
                          " tokens has no room for " + std::to_string(special) + " special tokens");
  }
  return std::min(size, (options.max_tokens - special) / post.texts());
}

}  // namespace

Tokenizer::Tokenizer(std::shared_ptr<const Pipeline> pipeline) : pipeline_(std::move(pipeline)) {}

Result<Encoding> Tokenizer::encode(std::string_view text, const EncodeOptions& options) const {
  const PostProcessor& post = pipeline_->parts().post;
  thread_local std::vector<TokenId> tokens;
  tokens.clear();
  VECMILL_TRY(tokenize_any(*pipeline_, text, tokens));
  VECMILL_ASSIGN(const std::size_t room, room_for_text(post, options, tokens.size()));
  const std::size_t dropped = tokens.size() - room;
  if (dropped > 0 && options.truncate == Truncate::kError) {
    return make_error(ErrorKind::kTooLong,
                      "the text has " + std::to_string(tokens.size() + post.special_tokens()) +
                          " tokens, " + std::to_string(dropped) + " more than " +
                          std::to_string(options.max_tokens),
                      {}, "shorten it, or let it be cut with truncate end or start");
  }
  const auto first = tokens.begin() + static_cast<std::ptrdiff_t>(
                                          options.truncate == Truncate::kStart ? dropped : 0);
  Encoding encoding;
  encoding.dropped = static_cast<std::uint32_t>(dropped);
  encoding.ids.reserve(room * post.texts() + post.special_tokens());
  for (const PostProcessor::Item& item : post.items()) {
    if (!item) {
      encoding.ids.insert(encoding.ids.end(), first, first + static_cast<std::ptrdiff_t>(room));
    } else if (options.add_special_tokens) {
      encoding.ids.push_back(*item);
    }
  }
  return encoding;
}

Result<std::size_t> Tokenizer::count(std::string_view text) const {
  const PostProcessor& post = pipeline_->parts().post;
  std::vector<TokenId> tokens;
  VECMILL_TRY(tokenize_any(*pipeline_, text, tokens));
  return tokens.size() * post.texts() + post.special_tokens();
}

std::optional<TokenId> Tokenizer::token_to_id(std::string_view token) const {
  if (const auto id = pipeline_->parts().added.find(token)) return id;
  return pipeline_->parts().model->token_to_id(token);
}

std::string Tokenizer::id_to_token(TokenId id) const {
  const std::string_view added = pipeline_->parts().added.content(id);
  return std::string(added.empty() ? pipeline_->parts().model->id_to_token(id) : added);
}

std::size_t Tokenizer::vocab_size() const {
  return pipeline_->parts().model->size() + pipeline_->parts().added.new_tokens();
}

std::size_t Tokenizer::special_token_count() const {
  return pipeline_->parts().post.special_tokens();
}

Result<Tokenizer> Tokenizer::from_folder(const std::filesystem::path& model_folder) {
  const auto exists = [&](const char* name) {
    std::error_code error;
    return std::filesystem::exists(model_folder / name, error);
  };
  const auto read = [&](const char* name) { return read_file(model_folder / name); };
  const auto place = [&](const char* name) { return (model_folder / name).string(); };
  if (exists("tokenizer.json")) {
    VECMILL_ASSIGN(const std::string json, read("tokenizer.json"));
    return from_json(json, place("tokenizer.json"));
  }
  if (exists("sentencepiece.bpe.model")) {
    VECMILL_ASSIGN(const std::string proto, read("sentencepiece.bpe.model"));
    return from_sentencepiece(proto, place("sentencepiece.bpe.model"));
  }
  if (exists("vocab.txt")) {
    VECMILL_ASSIGN(const std::string text, read("vocab.txt"));
    VECMILL_ASSIGN(const BertNormalizerOptions options, read_bert_options(model_folder));
    return make_bert_tokenizer(text, place("vocab.txt"), options);
  }
  return make_error(ErrorKind::kNotFound,
                    "has neither tokenizer.json nor sentencepiece.bpe.model nor vocab.txt",
                    model_folder.string(), "take the model's tokenizer files into the folder");
}

}  // namespace vecmill::tokenize
