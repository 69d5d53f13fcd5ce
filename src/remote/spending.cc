#include "vecmill/remote/spending.h"

#include <algorithm>

namespace vecmill::remote {
namespace {

/// Special tokens, and the words that an API puts before a text for its role.
constexpr std::uint64_t kAroundText = 32;

}  // namespace

std::uint64_t most_tokens(const RemoteModel& model, std::string_view text) {
  const std::uint64_t limit = find_model(model.dialect->name, model.name).max_tokens;
  const std::uint64_t tokens = text.size() + kAroundText;
  return limit > 0 ? std::min(tokens, limit) : tokens;
}

std::uint64_t tokens_around(const RemoteModel& model) {
  return model.dialect->query_role.empty() ? 0 : kAroundText;
}

}  // namespace vecmill::remote
