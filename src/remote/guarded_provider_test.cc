#include "vecmill/remote/guarded_provider.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <future>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "vecmill/remote/in_order.h"

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
    result.billed = tells_tokens ? Billed::kYes : Billed::kUncounted;
    result.tokens = tells_tokens ? texts.size() : 0;
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
  bool tells_tokens = true;

 private:
  RemoteModel model_{.dialect = find_dialect("openai"), .name = "m", .dims = 1};
  std::mutex mutex_;
};

/// Five tokens a text at most, and ten a request, where they are counted.
std::unique_ptr<Provider> make(std::unique_ptr<RemoteApi> api, GuardedExtras extras = {}) {
  DispatcherOptions options;
  options.batch = {100, extras.count ? 10U : 100'000U, 1'000'000};
  options.requests_per_minute = 1'000'000;
  options.linger = {};
  Capabilities capabilities;
  capabilities.max_tokens = 5;
  return *make_guarded_provider(
      std::move(api), options, [=](const EmbedOptions&) { return capabilities; },
      std::move(extras));
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
  const auto provider = make(std::move(owned), {.count = letters});
  const auto results = embed(*provider, {"12345", "123456", "4"}, {.truncate = Truncate::kError});
  EXPECT_EQ(results[0]->vector[0], 12345.0F);
  EXPECT_EQ(results[1].error().kind, ErrorKind::kTooLong);
  EXPECT_EQ(results[2]->vector[0], 4.0F);
  EXPECT_EQ(api.sizes, std::multiset<std::size_t>{2});
}

/// It is kept as the text that it was: whoever asks for the whole one again finds it.
TEST(GuardedProviderTest, WhatIsCountedTooLongIsCutAndSaysSo) {
  const auto provider = make(std::make_unique<NumberApi>(), {.count = letters});
  std::map<std::string_view, std::uint32_t> kept;
  const EmbedOptions options{.keep = [&](std::span<const Arrival> arrived) {
    for (const Arrival& one : arrived) kept[one.text] = one.embedding->truncated_tokens;
  }};
  const std::vector<std::string> texts{"12345", "1234567", "4"};
  const auto results = embed(*provider, texts, options);
  EXPECT_EQ(results[1]->vector[0], 12345.0F);
  EXPECT_EQ(results[1]->truncated_tokens, 2U);
  EXPECT_EQ(kept, (std::map<std::string_view, std::uint32_t>{
                      {texts[0], 0}, {texts[1], 2}, {texts[2], 0}}));
}

TEST(GuardedProviderTest, RequestsAreAsLargeAsTheCountedTokensAllow) {
  auto owned = std::make_unique<NumberApi>();
  const NumberApi& api = *owned;
  const auto provider = make(std::move(owned), {.count = letters});
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

/// Only fails, and is told to stop by the text "stop".
class SilentApi final : public RemoteApi {
 public:
  explicit SilentApi(policy::Outcome outcome = policy::Outcome::kTransient,
                     ErrorKind kind = ErrorKind::kUnavailable)
      : outcome_(outcome), kind_(kind) {}
  [[nodiscard]] const RemoteModel& model() const override { return model_; }
  void start(std::span<const std::string_view> texts, Role, Duration, Done done) override {
    CallResult result;
    result.outcome = outcome_;
    result.error = make_error(kind_, "the server failed");
    if (texts[0] == "stop") stop.request_stop();
    done(std::move(result));
  }
  std::stop_source stop;

 private:
  const policy::Outcome outcome_;
  const ErrorKind kind_;
  RemoteModel model_{.dialect = find_dialect("openai"), .name = "m", .dims = 1};
};

TEST(GuardedProviderTest, WhoIsToldToStopWaitsNoLonger) {
  auto owned = std::make_unique<SilentApi>();
  EmbedOptions options;
  options.stop = owned->stop.get_token();
  const auto provider = make(std::move(owned));
  for (const auto& result : embed(*provider, {"stop", "1", "2"}, options)) {
    EXPECT_EQ(result.error().kind, ErrorKind::kCancelled);
  }
  for (const auto& result : embed(*provider, {"3"}, options)) {  // stopped before it began
    EXPECT_EQ(result.error().kind, ErrorKind::kCancelled);
  }
}

TEST(GuardedProviderTest, AStopWakesWhoSleeps) {
  auto owned = std::make_unique<SilentApi>();
  std::stop_source stop;
  EmbedOptions options;
  options.stop = stop.get_token();
  const auto provider = make(std::move(owned));
  std::thread other([&] { stop.request_stop(); });
  const auto results = embed(*provider, {"1"}, options);
  other.join();
  EXPECT_EQ(results[0].error().kind, ErrorKind::kCancelled);
}

TEST(GuardedProviderTest, NoTextsAreNoRequest) {
  EXPECT_TRUE(embed(*make(std::make_unique<NumberApi>()), {}).empty());
}

/// Has so many tokens, says "later" now and then, and writes down what it is told.
class Purse final : public Spending {
 public:
  explicit Purse(std::uint64_t tokens) : left(tokens) {}

  Result<Answer> intend(const Request& request) override {
    const std::lock_guard lock(mutex_);
    if (broken) return make_error(ErrorKind::kIo, "cannot be written", "the book");
    if (++asked % 3 == 0) return Answer{.ask_again = Duration(1)};
    if (request.texts.size() > left) {
      return Answer{.refusal = make_error(ErrorKind::kLimited, "the purse is empty")};
    }
    EXPECT_GE(request.most_tokens, request.texts.size());
    left -= request.texts.size();
    open.insert(asked);
    return Answer{.payment = asked};
  }

  void settle(PaymentId payment, Billed billed, std::uint64_t tokens) override {
    const std::lock_guard lock(mutex_);
    EXPECT_EQ(open.erase(payment), 1u) << "settled twice, or never granted";
    if (billed == Billed::kUncounted) estimated += tokens;
    if (billed == Billed::kYes) spent += tokens;
  }

  std::uint64_t left, asked = 0, spent = 0, estimated = 0;
  bool broken = false;
  std::set<PaymentId> open;

 private:
  std::mutex mutex_;
};

/// Writes down what happens; may wait for something before it settles.
class Diary final : public Spending {
 public:
  Result<Answer> intend(const Request& request) override {
    return Answer{.payment = request.texts.size()};
  }
  void settle(PaymentId payment, Billed, std::uint64_t) override {
    if (before) before();
    lines.push_back("settled " + std::to_string(payment));
  }
  Keep keep() {
    return [this](std::span<const Arrival> arrived) {
      for (const Arrival& one : arrived) {
        EXPECT_EQ(one.embedding->vector[0], number_of(one.text));
        kept.insert(std::string(one.text));
      }
      lines.push_back("kept " + std::to_string(arrived.size()));
    };
  }

  std::vector<std::string> lines;
  std::multiset<std::string> kept;
  std::function<void()> before;
};

TEST(GuardedProviderTest, AReplyIsKeptThenSettledThenHandedOut) {
  const auto diary = std::make_shared<Diary>();
  const auto provider = make(std::make_unique<NumberApi>(), {.spending = diary});
  const auto texts = numbers(0, 250);
  for (const auto& result : embed(*provider, texts, {.keep = diary->keep()})) EXPECT_TRUE(result);
  EXPECT_EQ(diary->lines, (std::vector<std::string>{"kept 100", "settled 100", "kept 100",
                                                    "settled 100", "kept 50", "settled 50"}));
  EXPECT_EQ(diary->kept, std::multiset<std::string>(texts.begin(), texts.end()));
  EXPECT_TRUE(embed(*provider, {"1"})[0]) << "nobody keeps it";
  EXPECT_EQ(diary->lines.back(), "settled 1");
}

TEST(GuardedProviderTest, WhatFailsIsSettledAndNotKept) {
  auto owned = std::make_unique<SilentApi>();
  EmbedOptions options;
  options.stop = owned->stop.get_token();
  const auto diary = std::make_shared<Diary>();
  options.keep = diary->keep();
  const auto provider = make(std::move(owned), {.spending = diary});
  EXPECT_FALSE(embed(*provider, {"stop"}, options)[0]);
  EXPECT_EQ(diary->lines, std::vector<std::string>{"settled 1"});
}

/// Its replies come one after the other on one thread, as those of a client of HTTP do.
class OneThreadApi final : public RemoteApi {
 public:
  [[nodiscard]] const RemoteModel& model() const override { return numbers_.model(); }
  void start(std::span<const std::string_view> texts, Role role, Duration timeout,
             Done done) override {
    numbers_.start(texts, role, timeout, [&](CallResult result) {
      replies_.run([this, done, reply = std::move(result)] {
        done(reply);
        const std::lock_guard lock(mutex_);
        ++read_;
        changed_.notify_all();
      });
    });
  }

  /// False: they were not, in half a minute.
  bool wait_until_read(int replies) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30), [&] { return read_ >= replies; });
  }

 private:
  NumberApi numbers_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int read_ = 0;
  InOrder replies_;
};

TEST(GuardedProviderTest, WhatWaitsForTheDiskHoldsUpNoReply) {
  auto owned = std::make_unique<OneThreadApi>();
  OneThreadApi& api = *owned;
  const auto diary = std::make_shared<Diary>();
  bool read = true;
  diary->before = [&] { read = read && api.wait_until_read(5); };
  const auto provider = make(std::move(owned), {.spending = diary});
  for (const auto& result : embed(*provider, numbers(0, 500))) EXPECT_TRUE(result);
  EXPECT_TRUE(read) << "replies wait for the record";
  EXPECT_EQ(diary->lines.size(), 5u);
}

TEST(GuardedProviderTest, NothingIsSentThatIsNotPaidFor) {
  auto owned = std::make_unique<NumberApi>();
  const NumberApi& api = *owned;
  const auto purse = std::make_shared<Purse>(770);
  const auto provider = make(std::move(owned), {.spending = purse});
  std::size_t done = 0;
  for (const auto& result : embed(*provider, numbers(0, 1000))) {
    done += result.has_value() ? 1 : 0;
    EXPECT_TRUE(result || result.error().kind == ErrorKind::kLimited);
  }
  std::size_t sent = 0;
  for (const std::size_t size : api.sizes) sent += size;
  EXPECT_EQ(done, 770u);
  EXPECT_EQ(sent, 770u);
  EXPECT_EQ(purse->spent, 770u);
  EXPECT_TRUE(purse->open.empty());
}

TEST(GuardedProviderTest, WhatNoReplyTellsIsPaidAsCountedHere) {
  auto silent = [] {
    auto api = std::make_unique<NumberApi>();
    api->tells_tokens = false;
    return api;
  };
  const auto counted = std::make_shared<Purse>(1000);
  const CountTokens count = [](std::string_view) { return 3; };
  const auto exact = make(silent(), {.spending = counted, .count = count});
  for (const auto& result : embed(*exact, numbers(100, 200))) EXPECT_TRUE(result);
  EXPECT_EQ(counted->estimated, 600u);

  const auto guessed = std::make_shared<Purse>(1000);
  const auto provider = make(silent(), {.spending = guessed});
  for (const auto& result : embed(*provider, numbers(100, 200))) EXPECT_TRUE(result);
  EXPECT_EQ(guessed->estimated, 200u * TokenEstimate().tokens(3));
  EXPECT_TRUE(guessed->open.empty());
}

TEST(GuardedProviderTest, ThreadsShareOnePurse) {
  const auto purse = std::make_shared<Purse>(1000);
  const auto provider = make(std::make_unique<NumberApi>(), {.spending = purse});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] { (void)embed(*provider, numbers(1000 * t, 400)); });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(purse->spent, 1000u);
  EXPECT_TRUE(purse->open.empty());
}

/// Others use what it shares: it says "later" now and then.
class Others final : public SharedState {
 public:
  Answer admit(Time /*now*/, const policy::Demand& demand) override {
    const std::lock_guard lock(mutex_);
    EXPECT_EQ(demand[policy::Unit::kRequests], 1u);
    if (++asked_ % 3 == 0) return {.ask_again = Duration(1)};
    open.insert(asked_);
    return {.ticket = asked_};
  }
  void settle(Ticket ticket, const End& end) override {
    EXPECT_EQ(end.outcome, policy::Outcome::kSuccess);
    close(ticket, settled);
  }
  void cancel(Ticket ticket) override { close(ticket, cancelled); }
  Stats stats() override { return {}; }

  std::set<Ticket> open;
  std::uint64_t settled = 0, cancelled = 0;

 private:
  void close(Ticket ticket, std::uint64_t& count) {
    const std::lock_guard lock(mutex_);
    EXPECT_EQ(open.erase(ticket), 1u) << "ended twice, or never granted";
    ++count;
  }

  std::mutex mutex_;
  std::uint64_t asked_ = 0;
};

TEST(GuardedProviderTest, EachRequestHasItsTurnAmongOthersAndEndsItOnce) {
  auto owned = std::make_unique<NumberApi>();
  const NumberApi& api = *owned;
  const auto purse = std::make_shared<Purse>(4000);
  const auto others = std::make_shared<Others>();
  const auto provider = make(std::move(owned), {.spending = purse, .shared = others});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (const auto& result : embed(*provider, numbers(1000 * t, 400))) EXPECT_TRUE(result);
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_TRUE(others->open.empty());
  EXPECT_EQ(others->settled, api.sizes.size());
  EXPECT_GT(others->cancelled, 0u) << "for want of money";
}

TEST(GuardedProviderTest, WithoutABookNothingIsSent) {
  auto owned = std::make_unique<NumberApi>();
  const NumberApi& api = *owned;
  const auto purse = std::make_shared<Purse>(100);
  purse->broken = true;
  const auto provider = make(std::move(owned), {.spending = purse});
  for (const auto& result : embed(*provider, {"1", "2"})) {
    EXPECT_EQ(result.error().kind, ErrorKind::kIo);
  }
  EXPECT_TRUE(api.sizes.empty());
}

/// Two texts a request, however long the first waits for the second.
std::unique_ptr<Provider> make_pairs(std::unique_ptr<RemoteApi> api) {
  DispatcherOptions options;
  options.batch = {2, 100'000, 1'000'000};
  options.linger = std::chrono::hours(1);
  return *make_guarded_provider(std::move(api), options,
                                [](const EmbedOptions&) { return Capabilities{}; });
}

TEST(GuardedProviderTest, OfARequestOfTwoCallersEachKeepsItsOwn) {
  const auto provider = make_pairs(std::make_unique<NumberApi>());
  std::map<std::string, std::multiset<std::string>> kept;
  std::vector<std::thread> callers;
  for (const std::string text : {"1", "2"}) {
    auto& own = kept[text];
    callers.emplace_back([&, text] {
      const EmbedOptions options{.keep = [&](std::span<const Arrival> arrived) {
        for (const Arrival& one : arrived) own.insert(std::string(one.text));
      }};
      EXPECT_EQ(embed(*provider, {text}, options)[0]->vector[0], number_of(text));
    });
  }
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(kept["1"], std::multiset<std::string>{"1"});
  EXPECT_EQ(kept["2"], std::multiset<std::string>{"2"});
}

/// Whichever of the two comes second finds both refused; the first sleeps for an hour.
TEST(GuardedProviderTest, WhoFinishesAnothersTextWakesIt) {
  const auto provider =
      make_pairs(std::make_unique<SilentApi>(policy::Outcome::kKeyRefused, ErrorKind::kAuth));
  for (const auto& result : embed(*provider, {"1", "2"})) {
    EXPECT_EQ(result.error().kind, ErrorKind::kAuth);
  }
  std::stop_source stop;
  const EmbedOptions options{.stop = stop.get_token()};
  std::vector<std::future<void>> callers;
  for (int t = 0; t < 2; ++t) {
    callers.push_back(std::async(std::launch::async, [&] {
      EXPECT_EQ(embed(*provider, {"3"}, options)[0].error().kind, ErrorKind::kAuth);
    }));
  }
  for (auto& caller : callers) {
    EXPECT_EQ(caller.wait_for(std::chrono::seconds(30)), std::future_status::ready) << "it sleeps";
  }
  stop.request_stop();
}

TEST(GuardedProviderTest, OneShortTextIsNotWorthCounting) {
  int counted = 0;
  const auto provider = make(
      std::make_unique<NumberApi>(),
      {.count = [&](std::string_view text) -> std::uint64_t { return ++counted, text.size(); }});
  EXPECT_TRUE(embed(*provider, {"12345"})[0]);
  EXPECT_EQ(counted, 0);
  EXPECT_FALSE(embed(*provider, {"123456"}, {.truncate = Truncate::kError})[0]);
  EXPECT_EQ(counted, 1);
}

}  // namespace
}  // namespace vecmill::remote
