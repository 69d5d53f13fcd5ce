#pragma once

#include <cstdint>
#include <string_view>

#include "vecmill/remote/token_estimate.h"
#include "vecmill/result.h"
#include "vecmill/tokens.h"

namespace vecmill::remote {

/// How long a text may be, and what becomes of one that is longer.
struct TextLimit {
  std::uint64_t most = 0;    ///< tokens of one text; 0: no limit known
  std::uint64_t around = 0;  ///< what the API may add to a text: one that is cut leaves room for it
  Truncate truncate = Truncate::kEnd;
};

struct FittedText {
  std::string_view text;     ///< into the whole one
  std::uint64_t tokens = 0;  ///< of `text`
  std::uint64_t truncated_tokens = 0;
};

/// The longest beginning (kStart: the longest end) of a text that fits, cut between characters.
/// `text` must be valid UTF-8. A text that fits is not touched.
///   errors  kTooLong: with Truncate::kError, or where nothing would be left
Result<FittedText> fit_text(std::string_view text, const TextLimit& limit,
                            const CountTokens& count);

}  // namespace vecmill::remote
