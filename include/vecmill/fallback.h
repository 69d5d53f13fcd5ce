#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace vecmill {

/// What is done when the server of a model does not answer.
struct FallbackOptions {
  /// Asked in this order when those before are out. Their vectors count as the model's own: they
  /// are of one space by the vendor's word (voyage-4 family), or by the user's, which is proved.
  std::vector<std::string> models = {};
  bool same_space = false;  ///< the user's word
  /// When all are out: another model's vectors, each with this name in `Embedding::degraded`. For
  /// outputs that have a place for it (.jsonl). Empty: never.
  std::string degraded = {};
  std::chrono::seconds after{30};      ///< waited for a model before the next is asked
  std::chrono::seconds patience{600};  ///< waited for all of them, and for a model alone
};

struct FallbackReport {
  struct Maker {
    std::string model;
    std::uint64_t texts = 0;  ///< answered since the engine was opened
  };
  std::vector<Maker> makers = {};  ///< in their order; empty: there was nothing to fall back to
  std::uint64_t degraded = 0;      ///< rows of the output that the degraded model made
  std::vector<std::string> notes = {};  ///< a model that is not used, and why
};

}  // namespace vecmill
