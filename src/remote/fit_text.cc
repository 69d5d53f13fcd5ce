#include "vecmill/remote/fit_text.h"

#include <algorithm>
#include <string>

namespace vecmill::remote {
namespace {

bool within_character(std::string_view text, std::size_t at) {
  return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80;
}

/// So many of its first or last bytes, fewer where that would cut a character.
std::string_view piece(std::string_view text, std::size_t bytes, Truncate truncate) {
  if (truncate == Truncate::kStart) {
    std::size_t begin = text.size() - bytes;
    while (within_character(text, begin)) ++begin;
    return text.substr(begin);
  }
  while (within_character(text, bytes)) --bytes;
  return text.substr(0, bytes);
}

Error too_long(std::uint64_t tokens, std::uint64_t most) {
  return make_error(ErrorKind::kTooLong,
                    "the text has " + std::to_string(tokens) + " tokens, " +
                        std::to_string(tokens - most) + " more than the " + std::to_string(most) +
                        " that the model takes",
                    {}, "shorten it, or cut it into parts");
}

}  // namespace

Result<FittedText> fit_text(std::string_view text, const TextLimit& limit,
                            const CountTokens& count) {
  const FittedText whole{text, count(text)};
  if (limit.most == 0 || whole.tokens <= limit.most) return whole;
  if (limit.truncate == Truncate::kError) return too_long(whole.tokens, limit.most);
  const std::uint64_t room = limit.most - std::min(limit.most, limit.around);
  FittedText best;
  std::size_t fits = 0, over = text.size();
  while (over - fits > 1) {
    const std::size_t bytes = fits + (over - fits) / 2;
    const std::string_view part = piece(text, bytes, limit.truncate);
    const std::uint64_t tokens = part.size() > best.text.size() ? count(part) : best.tokens;
    if (tokens > room) {
      over = bytes;
      continue;
    }
    fits = bytes;
    best = {part, tokens, whole.tokens - tokens};
  }
  if (best.text.empty()) return too_long(whole.tokens, limit.most);
  return best;
}

}  // namespace vecmill::remote
