#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/outputs.h"
#include "vecmill/result.h"
#include "vecmill/sink.h"
#include "vecmill/tokens.h"

namespace vecmill {

enum class Role : std::uint8_t { kDocument, kQuery, kNone };

struct Capabilities {
  SpaceInfo space;
  std::uint32_t max_tokens = 0;  ///< per text, special tokens included; 0: no limit known
  bool remote = false;  ///< a server is asked: that takes time, maybe money; cuts batches itself
  std::string note{};   ///< what its user should know of these options; mostly empty
};

enum class VectorOrigin : std::uint8_t {
  kModel,   ///< made now
  kCache,   ///< found in the cache
  kShared,  ///< made now, once, for several equal texts: of all of these but the first
};

struct Embedding {
  std::vector<float> vector;  ///< [dims]; what was not asked for is empty
  std::uint32_t tokens = 0;   ///< that went into the model, special tokens included
  std::uint32_t truncated_tokens = 0;
  SparseVector sparse = {};
  std::vector<float> multivector = {};  ///< [n, multivector_dims]: a unit vector for each token
  VectorOrigin origin = VectorOrigin::kModel;
  std::string degraded = {};  ///< the model that made it instead; its vectors are of no use here
};

/// What is there before `embed` returns.
struct Arrival {
  std::string_view text;
  const Embedding* embedding = nullptr;
};
using Keep = std::function<void(std::span<const Arrival>)>;

struct EmbedOptions {
  Role role = Role::kDocument;
  Truncate truncate = Truncate::kEnd;
  Outputs outputs = {};
  /// Models that wait for others (remote) give up waiting: kCancelled for what is not on its way.
  std::stop_token stop = {};
  /// Called by models that are paid for (remote), from any one thread at a time: with each reply,
  /// before its payment is settled. The results have all of it again.
  Keep keep = {};
};

/// Turns texts into vectors. Nothing of limits, retries or money is inside: they wrap it.
/// Safe from any thread; each call runs on the threads of the caller unless an adapter says else.
class Provider {
 public:
  virtual ~Provider() = default;

  /// Whether this model can do what the options ask for; `embed` fails for each text if not.
  ///   errors  kUnsupported: an output that the model does not have
  [[nodiscard]] virtual Status check(const EmbedOptions& options) const {
    if (Outputs{}.contain(options.outputs) && options.outputs.any()) return {};
    return make_error(ErrorKind::kUnsupported,
                      "gives dense vectors only, " + name(options.outputs) + " was asked for",
                      capabilities(options).space.model);
  }

  /// Role, truncation and outputs are part of the space that the vectors are in.
  [[nodiscard]] virtual Capabilities capabilities(const EmbedOptions& options) const = 0;

  /// How many tokens a text has for this model, special tokens included, before any truncation.
  virtual Result<std::uint32_t> count_tokens(std::string_view text, Role role) const = 0;

  /// The ids of all tokens of a text, special tokens included, without any prompt or truncation.
  ///   errors  kUnsupported: this model's tokens are not known here
  virtual Result<std::vector<TokenId>> tokenize(std::string_view /*text*/) const {
    return make_error(ErrorKind::kUnsupported, "the tokens of this model are not known here");
  }

  /// What a token stands for; empty when that is not known here.
  [[nodiscard]] virtual std::string token_text(TokenId /*id*/) const { return {}; }

  /// Multiplications and additions that a text of so many tokens takes; 0: not known here.
  [[nodiscard]] virtual double operations(std::uint32_t /*tokens*/) const { return 0; }

  /// One result per text, in order. One bad text fails alone; what is no text's fault has kAuth,
  /// kLimited, kUnavailable, kInvalidArgument (settings), kIo or kCancelled, which end a run.
  virtual std::vector<Result<Embedding>> embed(std::span<const std::string_view> texts,
                                               const EmbedOptions& options) = 0;
};

}  // namespace vecmill
