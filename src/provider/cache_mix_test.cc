#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <random>
#include <string>

#include "vecmill/cache/memory_level.h"
#include "vecmill/provider/cached_provider.h"

namespace vecmill::provider {
namespace {

std::vector<float> vector_of(std::uint64_t id) {
  std::vector<float> vector(16, 0.5F);
  for (std::size_t i = 0; i < 3; ++i) vector[i] = static_cast<float>(id >> 8 * i & 255U);
  return vector;
}

/// The texts are numbers. One in 20 fails, whatever it is.
class Unreliable : public Provider {
 public:
  explicit Unreliable(std::uint64_t seed) : random_(seed) {}

  [[nodiscard]] Capabilities capabilities(const EmbedOptions& /*options*/) const override {
    Capabilities result;
    result.space.space = "numbers";
    result.space.dims = 16;
    return result;
  }
  Result<std::uint32_t> count_tokens(std::string_view /*text*/, Role /*role*/) const override {
    return 1U;
  }
  std::vector<Result<Embedding>> embed(std::span<const std::string_view> texts,
                                       const EmbedOptions& /*options*/) override {
    std::vector<Result<Embedding>> results;
    for (const std::string_view text : texts) {
      if (random_() % 20 == 0) {
        results.emplace_back(make_error(ErrorKind::kUnavailable, "simulated"));
      } else {
        results.emplace_back(Embedding{.vector = vector_of(std::stoull(std::string(text)))});
      }
    }
    return results;
  }

 private:
  std::mt19937_64 random_;
};

TEST(CacheMixTest, EachTextHasItsOwnVectorAmongHitsDuplicatesAndFailures) {
  const char* given = std::getenv("VECMILL_TEST_SEED");
  const std::uint64_t seed = given == nullptr ? 1 : std::stoull(given);
  const std::uint64_t pairs = std::getenv("VECMILL_TEST_DEEP") != nullptr ? 10'000'000 : 100'000;
  std::vector<std::unique_ptr<cache::Level>> levels;
  // So little that most of the texts are pushed out again.
  levels.push_back(std::move(cache::make_memory_level({.max_bytes = 1 << 20}).value()));
  const auto cache = std::make_shared<cache::Cache>(std::move(levels), cache::Store::kF32);
  const auto cached = make_cached_provider(
      std::make_unique<Unreliable>(seed),
      {cache, "the secret of a tenant", [] { return cache::Time(std::chrono::days(20'000)); }});
  std::mt19937_64 random(seed);
  std::uint64_t done = 0;
  std::array<std::uint64_t, 3> origins = {};
  while (done < pairs) {
    std::vector<std::uint64_t> ids(1 + random() % 64);
    // Few texts are asked for often, and some twice in one batch.
    for (auto& id : ids) id = random() % (random() % 2 == 0 ? 100 : 50'000);
    std::vector<std::string> texts;
    for (const auto id : ids) texts.push_back(std::to_string(id));
    const std::vector<std::string_view> views(texts.begin(), texts.end());
    const auto results = cached->embed(views, {});
    ASSERT_EQ(results.size(), ids.size());
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (!results[i]) continue;
      ASSERT_EQ(results[i]->vector, vector_of(ids[i]));
      ++origins[static_cast<std::size_t>(results[i]->origin)];
      ++done;
    }
  }
  for (const auto origin : origins) EXPECT_GT(origin, 0U) << "no mix";
}

}  // namespace
}  // namespace vecmill::provider
