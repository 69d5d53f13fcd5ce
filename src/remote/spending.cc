#include "vecmill/remote/spending.h"

#include <algorithm>

namespace vecmill::remote {
namespace {

/// Special tokens, and the words that an API puts before a text for its role.
constexpr std::uint64_t kAroundText = 32;

}  // namespace

std::uint64_t most_tokens(const RemoteModel& model, std::span<const std::string_view> texts) {
  const std::uint64_t limit = find_model(model.dialect->name, model.name).max_tokens;
  std::uint64_t most = 0;
  for (const std::string_view text : texts) {
    const std::uint64_t tokens = text.size() + kAroundText;
    most += limit > 0 ? std::min(tokens, limit) : tokens;
  }
  return most;
}

}  // namespace vecmill::remote
