#pragma once

#include "vecmill/tokenize/byte_tokens.h"
#include "vecmill/tokenize/model.h"
#include "vecmill/tokenize/vocabulary.h"

namespace vecmill::tokenize {

/// Which two neighbours become which token, and which pair goes first.
class MergeTable {
 public:
  struct Merge {
    std::uint32_t rank;
    TokenId id;
  };
  explicit MergeTable(std::size_t expected);
  /// A pair that is there already gets the new rank.
  void set(TokenId left, TokenId right, Merge merge);
  [[nodiscard]] const Merge* find(TokenId left, TokenId right) const;

 private:
  struct Slot {
    std::uint64_t pair;
    Merge merge;
  };
  [[nodiscard]] std::size_t place(std::uint64_t pair) const;
  std::vector<Slot> slots_;  ///< a power of two, at most half full
};

/// Characters, merged pair by pair.
class Bpe : public Model {
 public:
  struct Options {
    std::optional<std::string> unk_token;
    std::string continuing_subword_prefix, end_of_word_suffix;
    bool fuse_unk = false, byte_fallback = false, ignore_merges = false;
  };

  static Result<std::unique_ptr<Model>> from_json(const JsonNode& node);

  bool tokenize(std::string_view word, ModelScratch& scratch,
                std::vector<TokenId>& ids) const override;
  [[nodiscard]] bool is_slow() const override { return true; }
  [[nodiscard]] std::optional<TokenId> token_to_id(std::string_view token) const override {
    return vocabulary_.find(token);
  }
  [[nodiscard]] std::string_view id_to_token(TokenId id) const override {
    return vocabulary_.token(id);
  }
  [[nodiscard]] std::size_t size() const override { return vocabulary_.size(); }

  Bpe(Vocabulary vocabulary, MergeTable merges, Options options);

 private:
  bool add_chars(std::string_view word, ModelScratch& scratch) const;
  bool add_bytes(std::string_view text, ModelScratch& scratch) const;
  void merge_all(ModelScratch& scratch) const;
  void offer(ModelScratch& scratch, std::int32_t at) const;

  const Vocabulary vocabulary_;
  const MergeTable merges_;
  const Options options_;
  const ByteTokens bytes_;
  std::optional<TokenId> unk_;
};

}  // namespace vecmill::tokenize
