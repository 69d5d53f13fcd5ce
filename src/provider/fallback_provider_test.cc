#include "vecmill/provider/fallback_provider.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <thread>

#include "vecmill/cache/memory_level.h"
#include "vecmill/policy/random.h"
#include "vecmill/provider/cached_provider.h"

namespace vecmill::provider {
namespace {

using namespace std::chrono_literals;
using policy::Duration;
using policy::Time;
using Texts = std::vector<std::string>;

/// Gives each text its length, unless it is "bad", and nothing while it is out.
class Member final : public Provider {
 public:
  [[nodiscard]] Capabilities capabilities(const EmbedOptions&) const override {
    Capabilities result;
    result.space.space = "one";
    result.space.dims = 1;
    result.remote = true;
    return result;
  }
  Result<std::uint32_t> count_tokens(std::string_view text, Role) const override {
    return static_cast<std::uint32_t>(text.size());
  }
  std::vector<Result<Embedding>> embed(std::span<const std::string_view> texts,
                                       const EmbedOptions& options) override {
    truncate = options.truncate;
    keeps = options.keep != nullptr;
    calls.emplace_back(texts.begin(), texts.end());
    if (before) before();
    std::vector<Result<Embedding>> results;
    for (const std::string_view text : texts) {
      if (error && lasts != 0) {
        if (lasts > 0) --lasts;
        results.emplace_back(*error);
      } else if (text.starts_with("bad")) {
        results.emplace_back(make_error(ErrorKind::kTooLong, "too long"));
      } else {
        results.emplace_back(Embedding{{static_cast<float>(text.size())}});
      }
    }
    if (after) after(texts, results);
    return results;
  }

  std::optional<Error> error;
  int lasts = -1;  ///< texts that the error is for; -1: all
  std::function<void()> before;
  std::function<void(std::span<const std::string_view>, const std::vector<Result<Embedding>>&)>
      after;
  std::vector<Texts> calls;
  Truncate truncate = Truncate::kEnd;
  bool keeps = false;  ///< somebody wants what it makes early
};

Error down(const std::string& why) { return make_error(ErrorKind::kUnavailable, why); }

/// Two or more members before a clock that only moves when somebody waits.
class FallbackProviderTest : public testing::Test {
 protected:
  explicit FallbackProviderTest(std::size_t members = 2) {
    for (std::size_t i = 0; i < members; ++i) {
      members_.push_back(std::make_shared<Member>());
      chain_.members.push_back({members_[i], "m" + std::to_string(i)});
    }
    chain_.now = [this] { return now_; };
    chain_.sleep = [this](Time until) {
      now_ = until;
      if (on_wait_) on_wait_();
    };
  }

  Provider& provider() {
    if (!provider_) provider_ = make_fallback_provider(chain_);
    return *provider_;
  }

  std::vector<Result<Embedding>> embed(const Texts& texts, const EmbedOptions& options = {}) {
    const std::vector<std::string_view> views(texts.begin(), texts.end());
    return provider().embed(views, options);
  }

  /// All texts have their own vectors.
  void expect_all(const Texts& texts) {
    const auto results = embed(texts);
    ASSERT_EQ(results.size(), texts.size());
    for (std::size_t i = 0; i < texts.size(); ++i) {
      ASSERT_TRUE(results[i]) << results[i].error().to_string();
      EXPECT_EQ(results[i]->vector.front(), static_cast<float>(texts[i].size()));
      EXPECT_EQ(results[i]->degraded, "");
    }
  }

  Time now_{1h};
  std::vector<std::shared_ptr<Member>> members_;
  FallbackChain chain_;
  std::function<void()> on_wait_;
  std::unique_ptr<FallbackProvider> provider_;
};

TEST_F(FallbackProviderTest, ItIsTheFirstAsLongAsThatAnswers) {
  chain_.described = "m1 (one family)";
  expect_all({"a", "bb"});
  EXPECT_TRUE(members_[1]->calls.empty());
  EXPECT_EQ(provider().capabilities({}).space.space, "one");
  EXPECT_EQ(provider().capabilities({}).space.fallback, "m1 (one family)");
  EXPECT_EQ(provider().count_tokens("abc", Role::kQuery).value(), 3U);
  EXPECT_FALSE(provider().tokenize("abc"));
  EXPECT_EQ(provider().token_text(1), "");
  EXPECT_TRUE(provider().check({}));
}

TEST_F(FallbackProviderTest, TheRestGoesToTheNextAndComesBack) {
  members_[0]->error = down("no answer");
  expect_all({"a", "bb", "ccc"});
  expect_all({"dddd"});
  EXPECT_EQ(members_[0]->calls.size(), 1U) << "not for each text";
  EXPECT_EQ(members_[1]->truncate, Truncate::kError) << "what the first does not cut is not cut";
  now_ += 60s;
  expect_all({"e", "ff"});
  EXPECT_EQ(members_[0]->calls.back(), Texts{"e"}) << "one text finds out";
  members_[0]->error.reset();
  now_ += 60s;
  expect_all({"g", "hh", "iii"});
  EXPECT_EQ(members_[0]->calls.back(), (Texts{"hh", "iii"})) << "at once behind the first answer";
  EXPECT_EQ(provider_->answered(), (std::vector<std::uint64_t>{3, 6}));
}

TEST_F(FallbackProviderTest, WhatTheFirstAnsweredIsNotAskedAgain) {
  members_[0]->error = down("now and then");
  members_[0]->lasts = 1;
  expect_all({"a", "bb", "ccc"});
  EXPECT_EQ(members_[0]->calls, (std::vector<Texts>{{"a", "bb", "ccc"}, {"a"}}));
  EXPECT_TRUE(members_[1]->calls.empty()) << "it answered others: it is not out";
}

TEST_F(FallbackProviderTest, ATextThatIsWrongItselfDoesNotMoveOn) {
  const auto results = embed({"a", "bad"});
  EXPECT_TRUE(results[0]);
  EXPECT_EQ(results[1].error().kind, ErrorKind::kTooLong);
  EXPECT_TRUE(members_[1]->calls.empty());
}

TEST_F(FallbackProviderTest, ATextThatIsWrongItselfFindsNothingOut) {
  members_[0]->error = down("no answer");
  expect_all({"a"});
  now_ += 60s;
  members_[0]->error.reset();
  EXPECT_FALSE(embed({"bad"}).front());
  expect_all({"bb", "ccc"});
  EXPECT_EQ(members_[0]->calls.back(), Texts{"ccc"});
  EXPECT_EQ(members_[0]->calls[2], Texts{"bb"}) << "still the one text that finds out";
}

TEST_F(FallbackProviderTest, KeysAndBudgetsDoNotMoveOnAndLimitsDo) {
  chain_.members[0].is_final = [](const Error& error) { return error.message == "no money"; };
  for (const Error& error :
       {make_error(ErrorKind::kAuth, "key"), make_error(ErrorKind::kLimited, "no money"),
        make_error(ErrorKind::kInvalidArgument, "no such model")}) {
    members_[0]->error = error;
    const auto results = embed({"a"});
    ASSERT_FALSE(results.front()) << error.message;
    EXPECT_EQ(results.front().error().message, error.message);
    EXPECT_TRUE(members_[1]->calls.empty()) << error.message;
  }
  members_[0]->error = make_error(ErrorKind::kLimited, "too fast for too long");
  expect_all({"a"});
}

TEST_F(FallbackProviderTest, AnOutageOfAllIsWaitedForAndNamedWhenItLasts) {
  members_[0]->error = down("no answer");
  members_[1]->error = down("status 503");
  int waits = 0;
  on_wait_ = [&] {
    if (++waits == 3) members_[1]->error.reset();
  };
  expect_all({"a", "bb"});
  members_[1]->error = down("status 503");
  const Time start = now_;
  const auto results = embed({"ccc", "dddd"});
  for (const auto& result : results) {
    EXPECT_EQ(result.error().kind, ErrorKind::kUnavailable);
    EXPECT_EQ(result.error().message, "m0: no answer; m1: status 503");
  }
  EXPECT_EQ(now_ - start, 10min);
}

TEST_F(FallbackProviderTest, OneThatDidNotAnswerBeforeIsNotWaitedFor) {
  chain_.members[0].out = true;
  expect_all({"a"});
  EXPECT_TRUE(members_[0]->calls.empty());
  now_ += 60s;
  expect_all({"bb"});
  EXPECT_EQ(members_[0]->calls.size(), 1U);
}

TEST_F(FallbackProviderTest, AStopEndsTheWaiting) {
  for (const auto& member : members_) member->error = down("no answer");
  std::stop_source stop;
  on_wait_ = [&] { stop.request_stop(); };
  EmbedOptions options;
  options.stop = stop.get_token();
  EXPECT_EQ(embed({"a"}, options).front().error().kind, ErrorKind::kCancelled);
  members_[0]->error = make_error(ErrorKind::kCancelled, "interrupted");
  now_ += 60s;
  EXPECT_EQ(embed({"a"}).front().error().kind, ErrorKind::kCancelled);
  members_[0]->error.reset();
  expect_all({"a"});
  EXPECT_EQ(members_[1]->calls.size(), 1U) << "a probe that was cut off is made again";
}

TEST_F(FallbackProviderTest, DegradedVectorsAreMarkedAndNeverKept) {
  const auto hash = std::make_shared<Member>();
  chain_.degraded = hash;
  chain_.degraded_name = "builtin:hash";
  chain_.times.patience = 0s;
  for (const auto& member : members_) member->error = down("no answer");
  std::vector<std::unique_ptr<cache::Level>> levels;
  levels.push_back(std::move(cache::make_memory_level({}).value()));
  const auto cache = std::make_shared<cache::Cache>(std::move(levels), cache::Store::kF16);
  const auto cached =
      make_cached_provider(make_fallback_provider(chain_),
                           {cache, "the secret of a tenant", [] { return cache::Time{}; }});
  const std::vector<std::string_view> texts = {"a", "bad", "a"};
  const auto results = cached->embed(texts, {});
  EXPECT_EQ(results[0]->degraded, "builtin:hash");
  EXPECT_EQ(results[1].error().kind, ErrorKind::kTooLong);
  EXPECT_EQ(results[2]->degraded, "builtin:hash");
  EXPECT_TRUE(members_[0]->keeps && members_[1]->keeps);
  EXPECT_FALSE(hash->keeps) << "not early, either";
  members_[1]->error.reset();
  now_ += 60s;
  const auto later = cached->embed(texts, {});
  EXPECT_EQ(later[0]->degraded, "");
  EXPECT_EQ(later[0]->origin, VectorOrigin::kModel) << "it was in the cache";
  EXPECT_EQ(hash->calls.size(), 1U);
}

/// Answers every third call, from any thread.
class Flaky final : public Provider {
 public:
  [[nodiscard]] Capabilities capabilities(const EmbedOptions&) const override { return {}; }
  Result<std::uint32_t> count_tokens(std::string_view, Role) const override { return 0U; }
  std::vector<Result<Embedding>> embed(std::span<const std::string_view> texts,
                                       const EmbedOptions&) override {
    if (++calls_ % 3 != 0) return {texts.size(), Result<Embedding>(down("flaky"))};
    std::vector<Result<Embedding>> results;
    for (const auto text : texts) results.push_back(Embedding{{static_cast<float>(text.size())}});
    return results;
  }

 private:
  std::atomic<int> calls_ = 0;
};

TEST_F(FallbackProviderTest, ManyThreadsWaitForOneServer) {
  chain_.now = nullptr;
  chain_.sleep = nullptr;
  chain_.times.ask_again = 100us;
  for (FallbackMember& member : chain_.members) member.provider = std::make_shared<Flaky>();
  provider();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) expect_all({"a", "bb"});
    });
  }
  for (std::thread& thread : threads) thread.join();
  const auto answered = provider_->answered();
  EXPECT_EQ(answered[0] + answered[1], 400U);
}

/// Members that come and go under calls of any size.
class World : public FallbackProviderTest {
 public:
  explicit World(std::uint64_t seed)
      : FallbackProviderTest(1 + seed % 4), random_(seed), out_since_(members_.size()) {
    chain_.times.patience = 1000h;
    for (std::size_t i = 0; i < members_.size(); ++i) {
      members_[i]->before = [this, i] { begin(i); };
      members_[i]->after = [this, i](const auto& texts, const auto& results) {
        end(i, texts, results);
      };
    }
    on_wait_ = [this] { change(); };
  }
  void TestBody() override {}

  void run(std::size_t calls) {
    for (std::size_t i = 0; i < calls && !HasFailure(); ++i) {
      now_ += random_.up_to(20s);
      change();
      call();
    }
  }

 private:
  void change() {
    for (const auto& member : members_) {
      if (random_.below(4) == 0) member->error = std::nullopt;
      if (random_.below(8) == 0) member->error = down("out");
      member->lasts = random_.below(3) == 0 ? static_cast<int>(random_.below(4)) : -1;
    }
  }

  void call() {
    Texts texts;
    for (std::uint64_t n = 1 + random_.below(4); n > 0; --n) {
      texts.push_back((random_.below(9) == 0 ? "bad" : "good") + std::string(++lengths_, 'x'));
    }
    answers_ = 0;
    const auto results = embed(texts);
    for (std::size_t i = 0; i < texts.size(); ++i) {
      EXPECT_EQ(results[i].has_value(), texts[i].starts_with("good"));
      if (results[i]) {
        EXPECT_EQ(results[i]->vector.front(), static_cast<float>(texts[i].size()));
      }
    }
    EXPECT_EQ(answers_, texts.size()) << "each has one answer";
    lengths_ %= 1000;
  }

  void begin(std::size_t member) {
    for (std::size_t e = 0; e < member; ++e) {
      EXPECT_TRUE(out_since_[e] && now_ < *out_since_[e] + 60s) << e << " may answer";
    }
    now_ += random_.up_to(1s);
  }

  void end(std::size_t member, std::span<const std::string_view> texts,
           const std::vector<Result<Embedding>>& results) {
    if (out_since_[member]) {
      EXPECT_EQ(texts.size(), 1U) << "one text finds out";
    }
    const auto silent = std::ranges::count_if(results, [](const auto& result) {
      return !result && result.error().kind == ErrorKind::kUnavailable;
    });
    const auto missing = static_cast<std::size_t>(silent);
    if (missing == texts.size()) out_since_[member] = now_;
    if (std::ranges::any_of(results, [](const auto& result) { return result.has_value(); })) {
      out_since_[member].reset();
    }
    answers_ += texts.size() - missing;
  }

  policy::Random random_;
  std::vector<std::optional<Time>> out_since_;
  std::size_t lengths_ = 0, answers_ = 0;
};

TEST(FallbackProviderChecker, EachTextHasOneAnswerOfTheFirstThatCan) {
  for (std::uint64_t seed = 1; seed <= 20 && !HasFailure(); ++seed) World(seed).run(500);
}

}  // namespace
}  // namespace vecmill::provider
