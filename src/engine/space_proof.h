#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "vecmill/provider.h"
#include "vecmill/result.h"

namespace vecmill::engine {

enum class Proof : std::uint8_t { kSame, kFirstSilent, kOtherSilent };

/// Two models that are said to be the same weights in two places.
struct ProofPair {
  Provider& first;
  Provider& other;  ///< of as many dimensions
  std::string first_name, other_name;
};

/// Whether both give the same vectors for a few texts, in every role. What is proved is remembered
/// in `folder` for a week, and neither is asked for it then.
///   errors  kInvalidArgument naming both: they do not; kIo; those of asking but kUnavailable
Result<Proof> prove_same_space(const ProofPair& pair, const std::filesystem::path& folder);

}  // namespace vecmill::engine
