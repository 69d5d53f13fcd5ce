#include "vecmill/provider/cached_provider.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>

#include "vecmill/cache/memory_level.h"
#include "vecmill/provider/hash_provider.h"

namespace vecmill::provider {
namespace {

/// builtin:hash that counts the texts it gets and fails for "bad".
class Counting : public Provider {
 public:
  Counting(std::atomic<int>& texts, std::uint32_t dims)
      : inner_(make_hash_provider({.dims = dims, .max_tokens = 100})), texts_(texts) {}

  [[nodiscard]] Capabilities capabilities(const EmbedOptions& options) const override {
    return inner_->capabilities(options);
  }
  Result<std::uint32_t> count_tokens(std::string_view text, Role role) const override {
    return inner_->count_tokens(text, role);
  }
  std::vector<Result<Embedding>> embed(std::span<const std::string_view> texts,
                                       const EmbedOptions& options) override {
    texts_ += static_cast<int>(texts.size());
    auto results = inner_->embed(texts, options);
    for (std::size_t i = 0; i < texts.size(); ++i) {
      if (texts[i] == "bad") results[i] = make_error(ErrorKind::kTooLong, "too long");
    }
    return results;
  }

 private:
  std::unique_ptr<Provider> inner_;
  std::atomic<int>& texts_;
};

class CachedProviderTest : public testing::Test {
 protected:
  CachedProviderTest() {
    std::vector<std::unique_ptr<cache::Level>> levels;
    levels.push_back(std::move(cache::make_memory_level({}).value()));
    cache_ = std::make_shared<cache::Cache>(std::move(levels), cache::Store::kF32);
  }

  std::unique_ptr<Provider> provider(std::uint32_t dims = 64,
                                     const std::string& secret = "the secret of a tenant") {
    return make_cached_provider(std::make_unique<Counting>(texts_, dims),
                                {cache_, secret, [this] { return now_; }});
  }

  std::vector<Result<Embedding>> embed(Provider& provider, std::vector<std::string_view> texts,
                                       const EmbedOptions& options = {}) {
    return provider.embed(texts, options);
  }

  std::atomic<int> texts_ = 0;
  cache::Time now_{std::chrono::days(20'000)};
  std::shared_ptr<cache::Cache> cache_;
};

TEST_F(CachedProviderTest, ASecondTimeCostsNothingAndHasTheSameBits) {
  const auto cached = provider();
  const auto plain = make_hash_provider({.dims = 64, .max_tokens = 100});
  for (int time = 0; time < 2; ++time) {
    const auto results = embed(*cached, {"a b", "c", "a b"});
    const auto wanted = embed(*plain, {"a b", "c", "a b"});
    for (std::size_t i = 0; i < 3; ++i) {
      ASSERT_TRUE(results[i]);
      EXPECT_EQ(results[i]->vector, wanted[i]->vector);
      EXPECT_EQ(results[i]->tokens, wanted[i]->tokens);
    }
    EXPECT_EQ(texts_, 2);
  }
  now_ += std::chrono::days(8);
  (void)embed(*cached, {"c"});
  EXPECT_EQ(texts_, 3) << "expired";
}

TEST_F(CachedProviderTest, AnotherSpaceOrTenantFindsNothing) {
  (void)embed(*provider(), {"a"});
  (void)embed(*provider(32), {"a"});
  (void)embed(*provider(64, "the secret of another tenant"), {"a"});
  EXPECT_EQ(texts_, 3);
  (void)embed(*provider(), {"a"});
  EXPECT_EQ(texts_, 3);
}

TEST_F(CachedProviderTest, ABadTextFailsAloneEachTime) {
  const auto cached = provider();
  for (int time = 1; time <= 2; ++time) {
    const auto results = embed(*cached, {"a", "bad", "b"});
    EXPECT_TRUE(results[0] && results[2]);
    ASSERT_FALSE(results[1]);
    EXPECT_EQ(results[1].error().kind, ErrorKind::kTooLong);
    EXPECT_EQ(texts_, 2 + time);
  }
}

TEST_F(CachedProviderTest, EachResultTellsWhereItIsFrom) {
  const auto cached = provider();
  const auto origins = [&](std::vector<std::string_view> texts) {
    std::vector<VectorOrigin> all;
    for (const auto& result : embed(*cached, std::move(texts))) all.push_back(result->origin);
    return all;
  };
  using enum VectorOrigin;
  EXPECT_EQ(origins({"a", "b", "a", "a"}), (std::vector{kModel, kModel, kShared, kShared}));
  EXPECT_EQ(origins({"c", "a", "c", "a"}), (std::vector{kModel, kCache, kShared, kCache}));
}

TEST_F(CachedProviderTest, ATextThatMayNotBeCutHasNoVectorOfACutOne) {
  std::string text;
  for (int n = 0; n < 200; ++n) text += "word ";
  const auto cached =
      make_cached_provider(make_hash_provider({.dims = 64, .max_tokens = 100}),
                           {cache_, "the secret of a tenant", [&] { return now_; }});
  const EmbedOptions whole{.truncate = Truncate::kError};
  EXPECT_GT(embed(*cached, {text})[0]->truncated_tokens, 0u);
  const auto results = embed(*cached, {"a", text, "b"}, whole);
  EXPECT_TRUE(results[0] && results[2]);
  ASSERT_FALSE(results[1]);
  EXPECT_EQ(results[1].error().kind, ErrorKind::kTooLong);
  EXPECT_EQ(embed(*cached, {text})[0]->origin, VectorOrigin::kCache) << "it may be cut again";
}

/// Hands out its first text before it has made the second.
class Early : public Provider {
 public:
  explicit Early(std::function<void()> told) : told_(std::move(told)) {}

  [[nodiscard]] Capabilities capabilities(const EmbedOptions&) const override { return {}; }
  Result<std::uint32_t> count_tokens(std::string_view, Role) const override { return 1U; }
  std::vector<Result<Embedding>> embed(std::span<const std::string_view> texts,
                                       const EmbedOptions& options) override {
    const Embedding first{{1}}, second{{2}};
    options.keep(std::vector<Arrival>{{texts[0], &first}});
    told_();
    return {first, second};
  }

 private:
  const std::function<void()> told_;
};

TEST_F(CachedProviderTest, WhatArrivesEarlyIsKeptThenTold) {
  const auto kept = [&] { return cache_->stats().levels[0].puts; };
  std::vector<std::string> told;
  const EmbedOptions options{.keep = [&](std::span<const Arrival> arrived) {
    EXPECT_EQ(kept(), 1u);
    for (const Arrival& one : arrived) told.emplace_back(one.text);
  }};
  const auto cached =
      make_cached_provider(std::make_unique<Early>([&] { EXPECT_EQ(kept(), 1u); }),
                           {cache_, "the secret of a tenant", [&] { return now_; }});
  const auto results = embed(*cached, {"a", "b"}, options);
  EXPECT_EQ(results[0]->vector[0], 1.0F);
  EXPECT_EQ(results[1]->vector[0], 2.0F);
  EXPECT_EQ(told, std::vector<std::string>{"a"});
  EXPECT_EQ(kept(), 2u);
  EXPECT_EQ(embed(*cached, {"a", "b"})[0]->origin, VectorOrigin::kCache);
}

TEST_F(CachedProviderTest, OtherOutputsGoToTheProvider) {
  const auto cached = provider();
  const EmbedOptions options{.outputs = {.dense = true, .sparse = true}};
  EXPECT_FALSE(cached->check(options));
  (void)embed(*cached, {"a"}, options);
  (void)embed(*cached, {"a"}, options);
  EXPECT_EQ(texts_, 2);
  EXPECT_EQ(cache_->stats().texts, 0u);
}

}  // namespace
}  // namespace vecmill::provider
