#include "vecmill/provider/hash_provider.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>

#include "vecmill/base/hash.h"
#include "vecmill/provider/space.h"

namespace vecmill::provider {
namespace {

constexpr std::uint32_t kDefaultDims = 256;

bool in_word(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
         (byte >= 'A' && byte <= 'Z');
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  bool open = false;
  for (const char c : text) {
    if (!in_word(c)) {
      open = false;
      continue;
    }
    if (!open) words.emplace_back();
    open = true;
    words.back() += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return words;
}

void add_feature(std::string_view feature, float weight, std::vector<float>& vector) {
  const std::uint64_t hash = checksum(std::as_bytes(std::span(feature.data(), feature.size())));
  vector[hash % vector.size()] += (hash >> 63) != 0 ? weight : -weight;
}

void normalize(std::vector<float>& vector) {
  double sum = 0;
  for (const float x : vector) sum += static_cast<double>(x) * static_cast<double>(x);
  const double scale = 1.0 / std::sqrt(sum);
  for (float& x : vector) x = static_cast<float>(static_cast<double>(x) * scale);
}

std::vector<float> vector_of(std::span<const std::string> words, std::uint32_t dims) {
  std::vector<float> vector(dims, 0.0F);
  for (const std::string& word : words) {
    add_feature(word, 3.0F, vector);
    const std::string framed = "^" + word + "$";
    for (std::size_t i = 0; i + 3 <= framed.size(); ++i) {
      add_feature(std::string_view(framed).substr(i, 3), 1.0F, vector);
    }
  }
  // Opposite signs can meet, and a text may have no word: no vector is ever zero.
  if (std::ranges::all_of(vector, [](float x) { return x == 0.0F; })) vector[0] = 1.0F;
  normalize(vector);
  return vector;
}

class HashProvider final : public Provider {
 public:
  explicit HashProvider(const HashOptions& options)
      : dims_(options.dims == 0 ? kDefaultDims : options.dims), max_tokens_(options.max_tokens) {}

  Capabilities capabilities(const EmbedOptions& options) const override {
    SpaceParts parts;
    parts.weights = "builtin:hash/1";
    parts.max_tokens = max_tokens_;
    parts.truncate = options.truncate;
    parts.dims = dims_;
    Capabilities result;
    result.space = {space_of(parts), "f32/1", "builtin:hash", dims_, max_tokens_};
    result.max_tokens = max_tokens_;
    return result;
  }

  Result<std::uint32_t> count_tokens(std::string_view text, Role) const override {
    return static_cast<std::uint32_t>(words_of(text).size());
  }

  std::vector<Result<Embedding>> embed(std::span<const std::string_view> texts,
                                       const EmbedOptions& options) override {
    std::vector<Result<Embedding>> results;
    results.reserve(texts.size());
    const Status possible = check(options);
    for (const std::string_view text : texts) {
      results.push_back(possible ? embed_one(text, options.truncate)
                                 : Result<Embedding>(possible.error()));
    }
    return results;
  }

 private:
  Result<Embedding> embed_one(std::string_view text, Truncate truncate) const {
    const std::vector<std::string> words = words_of(text);
    std::span<const std::string> kept = words;
    if (max_tokens_ > 0 && words.size() > max_tokens_) {
      if (truncate == Truncate::kError) {
        return make_error(ErrorKind::kTooLong, "the text has " + std::to_string(words.size()) +
                                                   " tokens, the limit is " +
                                                   std::to_string(max_tokens_));
      }
      kept = truncate == Truncate::kStart ? kept.last(max_tokens_) : kept.first(max_tokens_);
    }
    Embedding result;
    result.vector = vector_of(kept, dims_);
    result.tokens = static_cast<std::uint32_t>(kept.size());
    result.truncated_tokens = static_cast<std::uint32_t>(words.size() - kept.size());
    return result;
  }

  std::uint32_t dims_;
  std::uint32_t max_tokens_;
};

}  // namespace

std::unique_ptr<Provider> make_hash_provider(const HashOptions& options) {
  return std::make_unique<HashProvider>(options);
}

}  // namespace vecmill::provider
