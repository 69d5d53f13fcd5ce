#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "vecmill/remote/dialect.h"
#include "vecmill/result.h"

namespace vecmill::remote {

/// What a server says of the model that it serves. Empty and 0: nothing.
struct SelfDescription {
  std::string identity = {};  ///< which weights, and how they are used
  std::uint32_t dims = 0;
  std::uint32_t max_tokens = 0;  ///< per text
  std::uint32_t max_texts = 0;   ///< per request
  std::uint64_t max_request_tokens = 0;
};

/// Reads TEI's reply to GET /info, or Ollama's to POST /api/show.
///   errors  kInvalidData (not such a reply), kUnsupported (a model that makes no vectors of texts)
Result<SelfDescription> read_self_description(About about, std::string_view body);

}  // namespace vecmill::remote
