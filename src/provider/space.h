#pragma once

#include <cstdint>
#include <string>

#include "vecmill/provider.h"

namespace vecmill::provider {

/// Everything that changes what a vector means.
struct SpaceParts {
  std::string weights;    ///< hash over weights and configuration, or the name of a built-in
  std::string tokenizer;  ///< hash of the tokenizer's file
  std::string prompt;     ///< put before each text
  std::uint32_t max_tokens = 0;
  Truncate truncate = Truncate::kEnd;  ///< kError cuts nothing: the same space as kEnd
  std::uint32_t dims = 0;
  std::string heads;  ///< hash of what makes outputs beside the dense one; empty without such
};

/// SHA-256 in hex of the parts, each with its name and length, so that no two lists look alike.
[[nodiscard]] std::string space_of(const SpaceParts& parts);

}  // namespace vecmill::provider
