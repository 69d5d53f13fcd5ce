#include "vecmill/provider/local_provider.h"

#include <algorithm>
#include <mutex>
#include <optional>

#include "vecmill/base/hash.h"
#include "vecmill/base/mapped_file.h"
#include "vecmill/encode/encoder.h"
#include "vecmill/encode/head_files.h"
#include "vecmill/encode/team.h"
#include "vecmill/provider/local_memory.h"
#include "vecmill/provider/memory_gate.h"
#include "vecmill/provider/space.h"
#include "vecmill/provider/unweighted_tokens.h"
#include "vecmill/tokenize/tokenizer.h"

namespace vecmill::provider {
namespace {

/// The tokenizer and what is known of it.
struct Tokens {
  tokenize::Tokenizer tokenizer;
  std::string hash;
  std::vector<TokenId> unweighted;
};

class LocalProvider : public Provider {
 public:
  ///   room  bytes to work with
  LocalProvider(const LocalOptions& options, std::shared_ptr<const encode::Encoder> encoder,
                Tokens tokens, std::uint64_t room)
      : name_(options.name),
        folder_(options.model_folder),
        encoder_(std::move(encoder)),
        tokenizer_(std::move(tokens.tokenizer)),
        tokenizer_hash_(std::move(tokens.hash)),
        unweighted_(std::move(tokens.unweighted)),
        max_tokens_(options.max_seq_length > 0 ? options.max_seq_length
                                               : encoder_->description().max_tokens),
        threads_(std::max(options.threads, 1U)),
        gate_(room, free_memory()),
        workspaces_(encoder_, room / 4 / threads_) {}

  [[nodiscard]] Status check(const EmbedOptions& options) const override {
    const Outputs had = encoder_->outputs();
    if (had.contain(options.outputs) && options.outputs.any()) return {};
    return encode::missing_head(folder_, name_, options.outputs, had);
  }

  [[nodiscard]] Capabilities capabilities(const EmbedOptions& options) const override {
    const SpaceParts parts{
        encoder_->fingerprint(), tokenizer_hash_,  std::string(prompt(options.role)), max_tokens_,
        options.truncate,        encoder_->dims(), heads_of(options.outputs)};
    Capabilities capabilities;
    capabilities.space = SpaceInfo{space_of(parts),
                                   encoder_->arithmetic(),
                                   name_,
                                   encoder_->dims(),
                                   max_tokens_,
                                   options.outputs,
                                   options.outputs.multivector ? encoder_->multivector_dims() : 0,
                                   options.outputs.sparse ? encoder_->description().vocab : 0};
    capabilities.max_tokens = max_tokens_;
    return capabilities;
  }

  Result<std::uint32_t> count_tokens(std::string_view text, Role role) const override {
    VECMILL_ASSIGN(std::size_t count, tokenizer_.count(with_prompt(text, role)));
    if (!encoder_->description().special_tokens) count -= tokenizer_.special_token_count();
    return static_cast<std::uint32_t>(count);
  }

  Result<std::vector<TokenId>> tokenize(std::string_view text) const override {
    const bool special_tokens = encoder_->description().special_tokens;
    VECMILL_ASSIGN(auto encoding, tokenizer_.encode(text, {0, Truncate::kEnd, special_tokens}));
    return std::move(encoding.ids);
  }

  [[nodiscard]] std::string token_text(TokenId id) const override {
    return tokenizer_.id_to_token(id);
  }

  [[nodiscard]] double operations(std::uint32_t tokens) const override {
    return encoder_->operations(tokens);
  }

  std::vector<Result<Embedding>> embed(std::span<const std::string_view> texts,
                                       const EmbedOptions& options) override {
    std::vector<Result<Embedding>> results;
    results.reserve(texts.size());
    std::vector<tokenize::Encoding> encodings;
    std::vector<std::size_t> places;  // of each encoding in `results`
    for (const std::string_view text : texts) {
      auto encoding = tokenizer_.encode(
          with_prompt(text, options.role),
          {max_tokens_, options.truncate, encoder_->description().special_tokens});
      if (!encoding) {
        results.emplace_back(std::move(encoding).error());
        continue;
      }
      Embedding embedding;
      embedding.tokens = static_cast<std::uint32_t>(encoding->ids.size());
      embedding.truncated_tokens = encoding->dropped;
      places.push_back(results.size());
      results.emplace_back(std::move(embedding));
      encodings.push_back(std::move(*encoding));
    }
    if (Status status = check(options); !status) {
      for (const std::size_t place : places) results[place] = Result<Embedding>(status.error());
      return results;
    }
    encode(encodings, options, places, results);
    return results;
  }

 private:
  [[nodiscard]] std::string_view prompt(Role role) const {
    const encode::ModelDescription& model = encoder_->description();
    const auto named = [&](std::string_view key) -> std::optional<std::string_view> {
      const auto found = model.prompts.find(std::string(key));
      if (found == model.prompts.end()) return std::nullopt;
      return found->second;
    };
    if (role == Role::kQuery) {
      if (const auto text = named("query")) return *text;
    }
    if (role == Role::kDocument) {
      for (const char* key : {"document", "passage", "corpus"}) {
        if (const auto text = named(key)) return *text;
      }
    }
    if (role == Role::kNone || model.default_prompt.empty()) return {};
    return named(model.default_prompt).value_or(std::string_view());
  }

  [[nodiscard]] std::string with_prompt(std::string_view text, Role role) const {
    return std::string(prompt(role)).append(text);
  }

  /// What the space of outputs beside the dense one depends on.
  [[nodiscard]] std::string heads_of(const Outputs& outputs) const {
    std::string heads = encoder_->heads_fingerprint(outputs);
    if (!outputs.sparse) return heads;
    for (const TokenId id : unweighted_) heads += " -" + std::to_string(id);
    return heads;
  }

  /// Leading tokens that belong to the prompt, the first special one included.
  [[nodiscard]] std::uint32_t prompt_tokens(Role role) const {
    const std::string_view text = prompt(role);
    if (text.empty() || encoder_->description().include_prompt) return 0;
    const auto count = tokenizer_.count(text);
    return count && *count > 0 ? static_cast<std::uint32_t>(*count) - 1 : 0;
  }

  /// Results that are there already are those of `places`, without their vectors.
  struct Batch {
    std::vector<encode::Sequence> sequences;
    std::span<const std::size_t> places;  ///< of each sequence in `results`
    std::vector<Result<Embedding>>& results;
  };

  void encode(const std::vector<tokenize::Encoding>& encodings, const EmbedOptions& options,
              const std::vector<std::size_t>& places, std::vector<Result<Embedding>>& results) {
    const std::uint32_t prompt = prompt_tokens(options.role);
    for (std::size_t first = 0, last = 0; first < encodings.size(); first = last) {
      Batch batch{{}, {}, results};
      std::size_t total = 0, longest = 0;
      for (; last < encodings.size(); ++last) {
        const std::size_t tokens = encodings[last].ids.size();
        const std::uint64_t bytes =
            encoder_->work_bytes(total + tokens, std::max(longest, tokens), 1);
        if (last > first && bytes > gate_.bytes() / threads_) break;
        total += tokens;
        longest = std::max(longest, tokens);
        batch.sequences.push_back({encodings[last].ids, prompt});
      }
      batch.places = std::span(places).subspan(first, last - first);
      encode(batch, encoder_->work_bytes(total, longest, last - first == 1 ? threads_ : 1),
             options);
    }
  }

  void encode(const Batch& batch, std::uint64_t bytes, const EmbedOptions& options) {
    const std::span<const encode::Sequence> sequences = batch.sequences;
    if (bytes > gate_.bytes()) {
      batch.results[batch.places[0]] = too_large(sequences[0].ids.size(), bytes, gate_.bytes());
      return;
    }
    const auto hold = gate_.take(bytes);
    const std::size_t dims = encoder_->dims();
    std::vector<float> vectors(sequences.size() * dims);
    const bool only_dense = options.outputs.only_dense();
    std::vector<encode::TextHeads> heads(only_dense ? 0 : sequences.size());
    auto workspace = workspaces_.take();
    const encode::HeadRequest request{options.outputs, unweighted_, heads};
    Status status = sequences.size() == 1
                        ? encode_one(sequences[0], *workspace, vectors.data(), request)
                        : encoder_->encode(sequences, *workspace, vectors.data(), request);
    const bool one_by_one = !status && sequences.size() > 1;  // so that the bad one fails alone
    for (std::size_t i = 0; i < sequences.size(); ++i) {
      Result<Embedding>& result = batch.results[batch.places[i]];
      if (one_by_one) {
        encode::HeadRequest one = request;
        if (!only_dense) one.out = request.out.subspan(i, 1);
        status = encoder_->encode({&sequences[i], 1}, *workspace, vectors.data() + i * dims, one);
      }
      if (!status) {
        result = fault_of_text(Error(status.error()));
        continue;
      }
      const float* first = vectors.data() + i * dims;
      if (options.outputs.dense) result->vector.assign(first, first + dims);
      if (only_dense) continue;
      result->sparse = std::move(heads[i].sparse);
      result->multivector = std::move(heads[i].multivector);
    }
    workspaces_.give_back(std::move(workspace), bytes);
  }

  /// The encoder's arguments are what the model's own tokenizer made of the text.
  static Error fault_of_text(Error error) {
    if (error.kind == ErrorKind::kInvalidArgument) error.kind = ErrorKind::kInvalidData;
    return error;
  }

  Status encode_one(const encode::Sequence& sequence, encode::EncoderWorkspace& workspace,
                    float* out, const encode::HeadRequest& heads) {
    const std::unique_lock lock(team_mutex_, std::try_to_lock);
    if (threads_ < 2 || !lock) return encoder_->encode({&sequence, 1}, workspace, out, heads);
    if (!team_) team_.emplace(threads_);
    return encoder_->encode_one(sequence, *team_, workspace, out, heads);
  }

  const std::string name_;
  const std::filesystem::path folder_;
  const std::shared_ptr<const encode::Encoder> encoder_;
  const tokenize::Tokenizer tokenizer_;
  const std::string tokenizer_hash_;
  const std::vector<TokenId> unweighted_;
  const std::uint32_t max_tokens_;
  const std::uint32_t threads_;
  MemoryGate gate_;
  Workspaces workspaces_;
  std::mutex team_mutex_;
  std::optional<encode::Team> team_;  ///< guarded by team_mutex_
};

/// Of the files that Tokenizer::from_folder reads.
Result<std::string> hash_of_tokenizer(const std::filesystem::path& folder) {
  for (const char* file : {"tokenizer.json", "sentencepiece.bpe.model", "vocab.txt"}) {
    const auto content = MappedFile::open(folder / file);
    if (!content) continue;
    Sha256 hash;
    hash.update(content->text());
    const auto config = MappedFile::open(folder / "tokenizer_config.json");
    if (config && std::string_view(file) == "vocab.txt") hash.update(config->text());
    return hash.hex();
  }
  return make_error(ErrorKind::kNotFound, "has no tokenizer", folder.string());
}

/// A token without a row in the matrix has no meaning to the model.
Status check_vocabulary(const tokenize::Tokenizer& tokenizer, const encode::Encoder& encoder,
                        const std::filesystem::path& folder) {
  const std::uint32_t rows = encoder.description().vocab;
  if (tokenizer.vocab_size() <= rows) return {};
  return make_error(ErrorKind::kInvalidData,
                    "the tokenizer has " + std::to_string(tokenizer.vocab_size()) +
                        " tokens, the weights know " + std::to_string(rows),
                    folder.string(), "the files are of two models or revisions; fetch it again");
}

}  // namespace

Result<std::unique_ptr<Provider>> make_local_provider(const LocalOptions& options) {
  VECMILL_ASSIGN(auto encoder, encode::Encoder::open(options.packed_file, {options.dims, {}}));
  const std::filesystem::path folder =
      options.model_folder / encoder->description().tokenizer_folder;
  VECMILL_ASSIGN(auto tokenizer, tokenize::Tokenizer::from_folder(folder));
  VECMILL_ASSIGN(std::string hash, hash_of_tokenizer(folder));
  VECMILL_TRY(check_vocabulary(tokenizer, *encoder, options.model_folder));
  if (options.max_seq_length > encoder->description().max_tokens) {
    return make_error(ErrorKind::kInvalidArgument,
                      std::to_string(options.max_seq_length) + " tokens are more than the " +
                          std::to_string(encoder->description().max_tokens) +
                          " that the model takes",
                      "--max-seq-length");
  }
  VECMILL_ASSIGN(const std::uint64_t room, room_beside(*encoder, options.name, options.max_memory));
  std::vector<TokenId> unweighted;
  if (encoder->outputs().sparse) {
    VECMILL_ASSIGN(unweighted, unweighted_tokens(options.model_folder, tokenizer));
  }
  return std::unique_ptr<Provider>(std::make_unique<LocalProvider>(
      options, std::move(encoder),
      Tokens{std::move(tokenizer), std::move(hash), std::move(unweighted)}, room));
}

}  // namespace vecmill::provider
