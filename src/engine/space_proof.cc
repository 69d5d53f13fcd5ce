#include "vecmill/engine/space_proof.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <system_error>

#include "vecmill/base/file_system.h"
#include "vecmill/base/hash.h"
#include "vecmill/engine/rank.h"

namespace vecmill::engine {
namespace {

namespace fs = std::filesystem;

/// Half precision and another order of sums stay above it; other weights, prompts, pooling or
/// dimensions do not.
constexpr float kLeastCosine = 0.999F;
constexpr std::chrono::hours kProvedFor{24 * 7};

constexpr std::array<std::string_view, 4> kTexts = {
    "How do I undo the last commit?", "for (size_t i = 0; i < n; ++i) sum += a[i] * b[i];",
    "Der Zug nach Wien fährt heute von Gleis neun; 東京は今日も晴れです。",
    "The committee met on Tuesday to discuss the budget of the coming year. Most members wanted to "
    "spend more on the harbour, whose walls had suffered in the winter, and less on the new town "
    "hall, which nobody had asked for."};

bool is_proved(const fs::path& file) {
  std::error_code error;
  const auto time = fs::last_write_time(file, error);
  return !error && fs::file_time_type::clock::now() - time < kProvedFor;
}

fs::path file_of(const fs::path& folder, const SpaceInfo& a, const SpaceInfo& b) {
  const std::string pair = a.space + '\n' + a.arithmetic + '\n' + b.space + '\n' + b.arithmetic;
  return folder / sha256_hex(pair).substr(0, 32);
}

/// The first error, if there is one.
std::optional<Error> error_of(const std::vector<Result<Embedding>>& results) {
  const auto bad = std::ranges::find_if(results, [](const auto& result) { return !result; });
  if (bad == results.end()) return std::nullopt;
  return bad->error();
}

Status compare(const ProofPair& pair, const std::vector<Result<Embedding>>& a,
               const std::vector<Result<Embedding>>& b) {
  float least = 1;
  for (std::size_t i = 0; i < a.size(); ++i) {
    least = std::min(least, cosine(a[i]->vector, b[i]->vector, length(a[i]->vector)));
  }
  if (least >= kLeastCosine) return {};
  return make_error(ErrorKind::kInvalidArgument,
                    pair.first_name + " and " + pair.other_name +
                        " give different vectors for the same text (cosine " +
                        std::to_string(least) + "): they are not of one space",
                    "--fallback", "leave out --fallback " + pair.other_name);
}

}  // namespace

Result<Proof> prove_same_space(const ProofPair& pair, const fs::path& folder) {
  for (const Role role : {Role::kDocument, Role::kQuery, Role::kNone}) {
    EmbedOptions options;
    options.role = role;
    const fs::path file = file_of(folder, pair.first.capabilities(options).space,
                                  pair.other.capabilities(options).space);
    if (is_proved(file)) continue;
    const auto first = pair.first.embed(kTexts, options);
    const auto first_error = error_of(first);
    if (first_error && first_error->kind != ErrorKind::kUnavailable) return *first_error;
    if (first_error) return Proof::kFirstSilent;
    const auto other = pair.other.embed(kTexts, options);
    const auto other_error = error_of(other);
    if (other_error && other_error->kind != ErrorKind::kUnavailable) return *other_error;
    if (other_error) return Proof::kOtherSilent;
    VECMILL_TRY(compare(pair, first, other));
    VECMILL_TRY(atomic_write(real_files(), file, ""));
  }
  return Proof::kSame;
}

}  // namespace vecmill::engine
