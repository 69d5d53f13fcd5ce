#pragma once

#include <memory>
#include <string>
#include <vector>

#include "vecmill/result.h"
#include "vecmill/tokenize/json_node.h"
#include "vecmill/tokenize/word_chunks.h"

namespace vecmill::tokenize {

/// Rewrites a section of text before it is split. Immutable; safe from any thread.
class Normalizer {
 public:
  virtual ~Normalizer() = default;

  /// In place; the text is valid UTF-8 before and after. Clears `at_start` when what stood there
  /// was taken away. False when a chunk cannot be normalised without the rest of its section (its
  /// text is then anything); never for a whole section.
  bool normalize(Section& section) const { return rewrite(section) && cuts_cleanly(section); }

  /// Whether it pays to normalise by chunks: they do not fail as a rule.
  [[nodiscard]] virtual bool keeps_chunks() const { return true; }

 protected:
  virtual bool rewrite(Section& section) const = 0;
};

/// The "normalizer" of a tokenizer.json, as tokenizers 0.23.3 runs it.
///   errors  kInvalidData, kUnsupported naming the component
Result<std::unique_ptr<Normalizer>> make_normalizer(const JsonNode& node);

struct BertNormalizerOptions {
  bool clean_text = true, handle_chinese_chars = true, strip_accents = true, lowercase = true;
};
std::unique_ptr<Normalizer> make_bert_normalizer(const BertNormalizerOptions& options);

/// `map` is a SentencePiece precompiled charsmap (raw bytes).
Result<std::unique_ptr<Normalizer>> make_charsmap_normalizer(std::string_view map,
                                                             const std::string& where);
std::unique_ptr<Normalizer> make_normalizer_sequence(
    std::vector<std::unique_ptr<Normalizer>> parts);

}  // namespace vecmill::tokenize
