#include "vecmill/remote/guarded_provider.h"

#include <gtest/gtest.h>

#include <mutex>
#include <set>
#include <thread>

namespace vecmill::remote {
namespace {

float number_of(std::string_view text) { return static_cast<float>(std::stoi(std::string(text))); }

/// Gives each text the number that it is, at once and on the caller's thread.
class NumberApi final : public RemoteApi {
 public:
  [[nodiscard]] const RemoteModel& model() const override { return model_; }

  void start(std::span<const std::string_view> texts, Role role, Duration, Done done) override {
    CallResult result;
    result.outcome = policy::Outcome::kSuccess;
    for (const auto text : texts) {
      const float sign = role == Role::kQuery ? -1.0F : 1.0F;
      result.embeddings.push_back({{sign * number_of(text)}});
    }
    {
      const std::lock_guard lock(mutex_);
      sizes.insert(texts.size());
    }
    done(std::move(result));
  }

  std::multiset<std::size_t> sizes;

 private:
  RemoteModel model_{.dialect = find_dialect("openai"), .name = "m", .dims = 1};
  std::mutex mutex_;
};

/// Five tokens a text at most, and ten a request, where they are counted.
std::unique_ptr<Provider> make(std::unique_ptr<RemoteApi> api, CountTokens count = {}) {
  DispatcherOptions options;
  options.batch = {100, count ? 10U : 100'000U, 1'000'000};
  options.requests_per_minute = 1'000'000;
  options.linger = {};
  Capabilities capabilities;
  capabilities.max_tokens = 5;
  return *make_guarded_provider(
      std::move(api), options, [=](const EmbedOptions&) { return capabilities; }, std::move(count));
}

std::vector<std::string> numbers(int first, int count) {
  std::vector<std::string> texts;
  for (int i = first; i < first + count; ++i) texts.push_back(std::to_string(i));
  return texts;
}

std::vector<Result<Embedding>> embed(Provider& provider, const std::vector<std::string>& texts,
                                     const EmbedOptions& options = {}) {
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  return provider.embed(views, options);
}

TEST(GuardedProviderTest, ThreadsShareItAndEachTextGetsItsOwnVector) {
  const auto provider = make(std::make_unique<NumberApi>());
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      EmbedOptions options;
      options.role = t % 2 == 0 ? Role::kDocument : Role::kQuery;
      const float sign = t % 2 == 0 ? 1.0F : -1.0F;
      const auto results = embed(*provider, numbers(1000 * t, 500), options);
      for (int i = 0; i < 500; ++i) {
        ASSERT_TRUE(results[static_cast<std::size_t>(i)]);
        ASSERT_EQ(results[static_cast<std::size_t>(i)]->vector[0],
                  sign * static_cast<float>(1000 * t + i));
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

TEST(GuardedProviderTest, WhatCannotBeSentFailsAloneAndIsNotSent) {
  auto owned = std::make_unique<NumberApi>();
  const NumberApi& api = *owned;
  const auto provider = make(std::move(owned));
  const auto results = embed(*provider, {"1", "", "\xFF", "4"});
  EXPECT_EQ(results[0]->vector[0], 1.0F);
  EXPECT_EQ(results[1].error().kind, ErrorKind::kInvalidData);
  EXPECT_EQ(results[2].error().kind, ErrorKind::kInvalidData);
  EXPECT_EQ(results[3]->vector[0], 4.0F);
  EXPECT_EQ(api.sizes, std::multiset<std::size_t>{2});
}

std::uint64_t letters(std::string_view text) { return text.size(); }

TEST(GuardedProviderTest, WhatIsCountedTooLongFailsAloneAndIsNotSent) {
  auto owned = std::make_unique<NumberApi>();
  const NumberApi& api = *owned;
  const auto provider = make(std::move(owned), letters);
  const auto results = embed(*provider, {"12345", "123456", "4"});
  EXPECT_EQ(results[0]->vector[0], 12345.0F);
  EXPECT_EQ(results[1].error().kind, ErrorKind::kTooLong);
  EXPECT_EQ(results[1].error().message,
            "the text has 6 tokens, 1 more than the 5 that the model takes");
  EXPECT_EQ(results[2]->vector[0], 4.0F);
  EXPECT_EQ(api.sizes, std::multiset<std::size_t>{2});
}

TEST(GuardedProviderTest, RequestsAreAsLargeAsTheCountedTokensAllow) {
  auto owned = std::make_unique<NumberApi>();
  const NumberApi& api = *owned;
  const auto provider = make(std::move(owned), letters);
  for (const auto& result : embed(*provider, numbers(10'000, 6))) EXPECT_TRUE(result);
  EXPECT_EQ(api.sizes, (std::multiset<std::size_t>{2, 2, 2}));
  EXPECT_EQ(*provider->count_tokens("123456", Role::kDocument), 6U);
  EXPECT_EQ(make(std::make_unique<NumberApi>())->count_tokens("1", Role::kDocument).error().kind,
            ErrorKind::kUnsupported);
}

TEST(GuardedProviderTest, OutputsThatItLacksAreRefusedForEachText) {
  auto owned = std::make_unique<NumberApi>();
  const NumberApi& api = *owned;
  const auto provider = make(std::move(owned));
  EmbedOptions options;
  options.outputs.sparse = true;
  for (const auto& result : embed(*provider, {"1", "2"}, options)) {
    EXPECT_EQ(result.error().kind, ErrorKind::kUnsupported);
  }
  EXPECT_TRUE(api.sizes.empty());
}

TEST(GuardedProviderTest, NoTextsAreNoRequest) {
  EXPECT_TRUE(embed(*make(std::make_unique<NumberApi>()), {}).empty());
}

}  // namespace
}  // namespace vecmill::remote
