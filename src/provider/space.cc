#include "vecmill/provider/space.h"

#include <string_view>

#include "vecmill/base/hash.h"

namespace vecmill::provider {
namespace {

void add(Sha256& hash, std::string_view name, std::string_view value) {
  hash.update(name);
  hash.update(":" + std::to_string(value.size()) + ":");
  hash.update(value);
}

}  // namespace

std::string space_of(const SpaceParts& parts) {
  Sha256 hash;
  add(hash, "vecmill-space", "1");
  add(hash, "weights", parts.weights);
  add(hash, "tokenizer", parts.tokenizer);
  add(hash, "prompt", parts.prompt);
  add(hash, "max_tokens", std::to_string(parts.max_tokens));
  add(hash, "truncate", parts.truncate == Truncate::kStart ? "start" : "end");
  add(hash, "dims", std::to_string(parts.dims));
  if (!parts.heads.empty()) add(hash, "heads", parts.heads);
  return hash.hex();
}

}  // namespace vecmill::provider
