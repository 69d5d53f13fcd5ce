#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/tokenize/added_tokens.h"
#include "vecmill/tokenize/chunk_cache.h"
#include "vecmill/tokenize/model.h"
#include "vecmill/tokenize/normalizer.h"
#include "vecmill/tokenize/post_processor.h"
#include "vecmill/tokenize/pre_tokenizer.h"
#include "vecmill/tokenize/tokenizer.h"

namespace vecmill::tokenize {

/// The parts of a tokenizer; a part that is not there does nothing.
struct PipelineParts {
  std::unique_ptr<Normalizer> normalizer;
  std::unique_ptr<PreTokenizer> pre_tokenizer;
  std::unique_ptr<Model> model;
  AddedTokens added;
  PostProcessor post;
};

/// Runs the parts: added tokens, normaliser, added tokens again, pre-tokenizer, model.
class Tokenizer::Pipeline {
 public:
  explicit Pipeline(PipelineParts parts);

  /// Appends the tokens of `text` without special tokens. `text` is valid UTF-8.
  ///   errors  kUnsupported: the text needs an unknown token and there is none
  Status tokenize(std::string_view text, std::vector<TokenId>& ids) const;

  [[nodiscard]] const PipelineParts& parts() const { return parts_; }

 private:
  struct Scratch;
  struct Chunk;
  Scratch& scratch_of_this_thread() const;

  bool add_section(std::string_view section, bool at_start, Scratch& scratch,
                   std::vector<TokenId>& ids) const;
  enum class Outcome : std::uint8_t { kDone, kNoUnknown, kUnclean };
  Outcome add_chunks(std::string_view section, bool at_start, Scratch& scratch,
                     std::vector<TokenId>& ids) const;
  Outcome add_chunk(const Chunk& chunk, Scratch& scratch, std::vector<TokenId>& ids) const;
  bool add_normalized(Scratch& scratch, std::vector<TokenId>& ids) const;
  bool add_pieces(Scratch& scratch, std::vector<TokenId>& ids) const;

  const PipelineParts parts_;
  const bool works_in_chunks_;
  const std::uint64_t serial_;
};

}  // namespace vecmill::tokenize
