#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "vecmill/encode/heads.h"
#include "vecmill/encode/model_description.h"
#include "vecmill/result.h"
#include "vecmill/tokens.h"

namespace vecmill::encode {

class Team;

/// What `Encoder::arithmetic` says of models in bf16.
inline constexpr const char* kBf16Arithmetic = "bf16/2";

/// Reads the configuration files of a model folder (sentence-transformers, old and new layout, or
/// a bare Hugging Face folder).
///   errors  kNotFound, kInvalidData, kUnsupported naming the module, activation or architecture
Result<ModelDescription> describe(const std::filesystem::path& model_folder);

/// Turns a model folder into one packed file (docs/packed_format.md), atomically.
///   errors  as `describe`, and kInvalidData or kMismatch naming the tensor, kIo
Status pack(const std::filesystem::path& model_folder, const std::filesystem::path& packed_file);

/// The same with the weights of the layers and the word embeddings in bf16, which is what the
/// layers' products read then.
///   errors  as `pack`, and kInvalidArgument: a model without layers
Status pack_bf16(const std::filesystem::path& model_folder,
                 const std::filesystem::path& packed_file);

/// What int8 needs to know of a model's texts.
struct Calibration {
  std::filesystem::path packed_f32;         ///< the same model, as `pack` makes it
  std::vector<std::vector<TokenId>> texts;  ///< as they are encoded; cut where too long
};

/// As `pack`, with the products of the layers in whole numbers: weights by output, activations by
/// token, exact sums; the few inputs of each product that stand out on the texts stay in f32.
///   errors  as `pack`, and kInvalidArgument: a model without layers
Status pack_int8(const std::filesystem::path& model_folder,
                 const std::filesystem::path& packed_file, const Calibration& calibration);

/// As `pack_int8`, with the word embeddings in whole numbers too (compact_word.h): of a model with
/// a large vocabulary they are most of the file.
Status pack_int8_compact(const std::filesystem::path& model_folder,
                         const std::filesystem::path& packed_file, const Calibration& calibration);

/// Reads every byte of a packed file again.
///   errors  kInvalidData naming the block whose checksum is wrong
Status verify_packed(const std::filesystem::path& packed_file);

/// One tokenized text: special tokens included, at most `max_tokens` ids.
struct Sequence {
  std::span<const TokenId> ids;
  std::uint32_t prompt_tokens =
      0;  ///< leading ids that come from the prompt, <s> or [CLS] included
};

/// What is wanted beside the vector of each text.
struct HeadRequest {
  Outputs outputs = {};              ///< `dense` is not looked at
  std::span<const TokenId> dropped;  ///< ids that get no weight: [CLS], </s>, padding, unknown
  std::span<TextHeads> out;          ///< [batch.size()], or empty when nothing is wanted
};

struct EncoderOptions {
  std::uint32_t dims = 0;  ///< Matryoshka: keep the first `dims` components; 0: all of them
  std::string isa;         ///< as `Isa` names them; empty: VECMILL_ISA, else the best
};

/// The memory one encoding thread needs; it grows to the largest batch seen.
class EncoderWorkspace {
 public:
  ~EncoderWorkspace();
  EncoderWorkspace(const EncoderWorkspace&) = delete;
  EncoderWorkspace& operator=(const EncoderWorkspace&) = delete;

 private:
  friend class Encoder;
  EncoderWorkspace();
  struct State;
  std::unique_ptr<State> state_;
};

/// A matrix in whole numbers, and how many of its inputs stay in f32.
struct KeptInputs {
  std::string matrix;  ///< "layer.0.qkv"
  std::uint32_t in = 0, out = 0, kept = 0;
};

/// A packed model, mapped and ready. Immutable; shared by any number of threads, each with its own
/// workspace. A vector depends on its own ids only: not on the batch, the thread or the processor.
class Encoder {
 public:
  ///   errors  kNotFound, kIo, kInvalidData, kUnsupported (ISA), kInvalidArgument (dims)
  static Result<std::shared_ptr<const Encoder>> open(const std::filesystem::path& packed_file,
                                                     const EncoderOptions& options = {});
  ~Encoder();
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;

  [[nodiscard]] const ModelDescription& description() const;
  [[nodiscard]] std::uint32_t dims() const;  ///< of the vectors that `encode` writes

  /// What the model has heads for; and the size of each token's vector, 0 without such a head.
  [[nodiscard]] Outputs outputs() const;
  [[nodiscard]] std::uint32_t multivector_dims() const;

  /// SHA-256 over the heads that `outputs` needs; empty when it needs none. They are no part of
  /// `fingerprint`: dense vectors are the same without them.
  [[nodiscard]] std::string heads_fingerprint(const Outputs& outputs) const;

  /// The number format and the version of the numerics: "f32/1", "bf16/2", "int8/3",
  /// "int8-compact/3". Another one is another vector for the same text.
  [[nodiscard]] std::string arithmetic() const;

  /// Of each matrix that is in whole numbers.
  [[nodiscard]] std::vector<KeptInputs> kept_inputs() const;

  /// Bytes of the packed file that every text goes through: all but the word embeddings.
  [[nodiscard]] std::uint64_t layer_bytes() const;

  /// Bytes that a call takes beside them, at most: texts of `total` tokens together, the longest of
  /// `longest`, on so many threads.
  [[nodiscard]] std::uint64_t work_bytes(std::size_t total, std::size_t longest,
                                         std::uint32_t threads) const;

  /// SHA-256 over weights and configuration that change a vector (tokenizer, prompt, limit and dims
  /// are the caller's part of the fingerprint).
  [[nodiscard]] const std::string& fingerprint() const;
  [[nodiscard]] const std::string& weights_sha256() const;  ///< of the files they were packed from
  [[nodiscard]] std::string isa() const;                    ///< the instruction set in use

  /// Multiplications and additions that a text of so many tokens takes in the layers.
  [[nodiscard]] double operations(std::uint32_t tokens) const;

  [[nodiscard]] std::unique_ptr<EncoderWorkspace> make_workspace() const;

  /// On the calling thread. `out` is [batch.size(), dims()].
  ///   errors  kInvalidArgument: an empty sequence, too many ids, an id outside the vocabulary;
  ///           kInvalidData: the packed file is damaged; kUnsupported: a head that is not there
  Status encode(std::span<const Sequence> batch, EncoderWorkspace& workspace, float* out,
                const HeadRequest& heads = {}) const;

  /// One text over the threads of `team`, for latency; the same bits as `encode`.
  Status encode_one(const Sequence& sequence, Team& team, EncoderWorkspace& workspace, float* out,
                    const HeadRequest& heads = {}) const;

 private:
  struct State;
  explicit Encoder(std::unique_ptr<const State> state);
  std::unique_ptr<const State> state_;
};

}  // namespace vecmill::encode
