#include "vecmill/provider/cached_provider.h"

#include <utility>

namespace vecmill::provider {
namespace {

class CachedProvider : public Provider {
 public:
  CachedProvider(std::unique_ptr<Provider> inner, CacheUse use)
      : inner_(std::move(inner)), use_(std::move(use)) {}

  [[nodiscard]] Status check(const EmbedOptions& options) const override {
    return inner_->check(options);
  }
  [[nodiscard]] Capabilities capabilities(const EmbedOptions& options) const override {
    return inner_->capabilities(options);
  }
  Result<std::uint32_t> count_tokens(std::string_view text, Role role) const override {
    return inner_->count_tokens(text, role);
  }
  Result<std::vector<TokenId>> tokenize(std::string_view text) const override {
    return inner_->tokenize(text);
  }
  [[nodiscard]] std::string token_text(TokenId id) const override { return inner_->token_text(id); }
  [[nodiscard]] double operations(std::uint32_t tokens) const override {
    return inner_->operations(tokens);
  }

  std::vector<Result<Embedding>> embed(std::span<const std::string_view> texts,
                                       const EmbedOptions& options) override {
    if (!Outputs{}.contain(options.outputs) || !check(options)) {
      return inner_->embed(texts, options);
    }
    const SpaceInfo space = capabilities(options).space;
    const cache::KeyMaker keys(use_.secret, space.space + "\n" + space.arithmetic);
    auto answers = use_.cache->get_or_make(
        keys, texts, use_.now(),
        [&](cache::Cache::Texts missing, const Keep& keep) {
          return inner_->embed(missing, keeping(options, keep));
        },
        options.stop);
    std::vector<Result<Embedding>> results;
    results.reserve(answers.size());
    for (auto& answer : answers) {
      if (answer.value) {
        answer.value->origin = answer.hit      ? VectorOrigin::kCache
                               : answer.shared ? VectorOrigin::kShared
                                               : VectorOrigin::kModel;
      }
      results.push_back(std::move(answer.value));
    }
    if (options.truncate == Truncate::kError) refuse_cut(texts, options, results);
    return results;
  }

 private:
  /// The cache is told first.
  static EmbedOptions keeping(EmbedOptions options, const Keep& keep) {
    options.keep = [keep, others = std::move(options.keep)](std::span<const Arrival> arrived) {
      keep(arrived);
      if (others) others(arrived);
    };
    return options;
  }

  /// Vectors of texts that were cut are in the space of those that may not be cut, too.
  void refuse_cut(std::span<const std::string_view> texts, const EmbedOptions& options,
                  std::vector<Result<Embedding>>& results) {
    for (std::size_t i = 0; i < texts.size(); ++i) {
      if (!results[i] || results[i]->truncated_tokens == 0) continue;
      results[i] = std::move(inner_->embed(texts.subspan(i, 1), options)[0]);
    }
  }

  const std::unique_ptr<Provider> inner_;
  const CacheUse use_;
};

}  // namespace

std::unique_ptr<Provider> make_cached_provider(std::unique_ptr<Provider> inner, CacheUse use) {
  return std::make_unique<CachedProvider>(std::move(inner), std::move(use));
}

}  // namespace vecmill::provider
