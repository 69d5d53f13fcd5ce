// The dispatcher before a server with its own limiter and bill, in virtual time: what it promises
// is checked after every event, and what a run costs is counted.
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <map>

#include "vecmill/policy/checker.h"
#include "vecmill/remote/dispatcher.h"
#include "vecmill/remote/simulated_server.h"

namespace vecmill::remote {
namespace {

using namespace std::chrono_literals;
using policy::kNever;
using policy::Outcome;
using policy::Random;

constexpr Time kStart{1h};

struct Setting {
  DispatcherOptions options;
  ServerOptions server;
  std::uint64_t seed = 1;
  std::uint64_t least_bytes = 100, most_bytes = 700;
  std::uint64_t texts = 0;         // there from the beginning
  std::size_t trickle_events = 0;  // texts come now and then until so many events have happened
  Time end = kNever;               // everything stops
};

/// The rule of the breaker in other words: after so many failures in a row of requests sent since
/// it last closed, nothing for a while, then one request a while until one is answered.
class BreakerRule {
 public:
  explicit BreakerRule(const policy::BreakerOptions& options) : options_(options) {}

  void sending(Time now, Dispatcher::CallId call) {
    last_ = call;
    if (closed_) return;
    EXPECT_GE(now, quiet_until_) << "sent while the breaker is open";
    probe_ = call;
    quiet_until_ = now + options_.open_for;
  }

  void ended(Time now, Dispatcher::CallId call, Outcome outcome) {
    if (closed_ ? call <= before_ : call != probe_) return;
    if (outcome == Outcome::kKeyRefused) return open(now + options_.key_open_for);
    if (outcome == Outcome::kTransient) {
      if (!closed_ || ++row_ >= options_.failures) open(now + options_.open_for);
      return;
    }
    if (outcome == Outcome::kSuccess) row_ = 0;
    if (!closed_) before_ = last_;
    closed_ = true;
  }

 private:
  void open(Time until) {
    quiet_until_ = until;
    closed_ = false;
    probe_ = 0;
    row_ = 0;
  }

  policy::BreakerOptions options_;
  bool closed_ = true;
  int row_ = 0;
  Time quiet_until_ = {};
  Dispatcher::CallId last_ = 0, before_ = 0, probe_ = 0;
};

class World {
 public:
  explicit World(const Setting& setting)
      : server(setting.server, setting.seed),
        setting_(setting),
        random_(setting.seed),
        dispatcher_(*Dispatcher::create(setting.options)),
        breaker_(setting.options.breaker) {
    if (setting_.trickle_events > 0) next_add_ = kStart;
    add(setting_.texts);
  }

  void run() {
    while (!testing::Test::HasFailure()) {
      send_all();
      if (open_ == 0 && next_add_ == kNever) break;
      const Time wake = dispatcher_.wake();
      const Time other = std::min(next_add_, flights_.empty() ? kNever : flights_.begin()->first);
      const Time next = std::min(wake, other);
      ASSERT_LT(next, kNever) << "texts wait for nothing";
      ASSERT_TRUE(wake > now || other <= now) << "asks again at once";
      if (next >= setting_.end) return;
      if (next > now + 1ns && random_.below(8) == 0) ask_too_early(next);
      now = std::max(now, next);
      woken_ = other > now;
      if (next_add_ <= now) trickle();
      while (!flights_.empty() && flights_.begin()->first <= now) flight_event();
    }
    EXPECT_EQ(done + failed, added_);
    EXPECT_EQ(told_tokens_, server.billed_tokens) << "the bill";
  }

  SimulatedServer server;
  std::uint64_t done = 0, failed = 0, sends = 0, sends_in_outage = 0;
  std::size_t events = 0;
  Time now = kStart;

 private:
  enum class State : std::uint8_t { kOpen, kFlying, kSettled };
  struct Text {
    std::uint64_t bytes;
    Role role;
    State state = State::kOpen;
    bool was_refused = false;  // a request with it, for what it is
    bool was_answered = false;
  };
  struct Flight {
    Dispatcher::Send send;
    std::optional<CallResult> result;  // once it is on its way back
  };

  void add(std::uint64_t texts, Role role = Role::kDocument) {
    for (std::uint64_t i = 0; i < texts; ++i, ++added_, ++events, ++open_) {
      const std::uint64_t spread = setting_.most_bytes - setting_.least_bytes + 1;
      texts_.push_back({setting_.least_bytes + random_.below(spread), role});
      dispatcher_.add(now, added_, texts_.back().bytes, role);
    }
  }

  void trickle() {
    constexpr std::uint64_t kEnough = 1'000;
    if (open_ < kEnough) add(1 + random_.below(100), static_cast<Role>(random_.below(3)));
    const bool ends = events >= setting_.trickle_events;
    const Duration pause = random_.below(200) == 0 ? 30min : 4s;
    next_add_ = ends ? kNever : now + random_.up_to(pause);
  }

  /// Nothing has happened since the dispatcher said when to ask again.
  void ask_too_early(Time next) {
    EXPECT_FALSE(dispatcher_.next(now + random_.up_to(next - now - 1ns))) << "sent before wake";
    EXPECT_FALSE(dispatcher_.next(next - 1ns)) << "sent before wake";
    EXPECT_TRUE(dispatcher_.take_finished().empty());
  }

  void send_all() {
    ++events;
    const std::uint64_t before = sends + done + failed;
    while (const auto send = dispatcher_.next(now)) sent(*send);
    collect();
    if (woken_ && before == sends + done + failed) ++idle_;
    woken_ = false;
    EXPECT_LE(idle_, 20 + 2 * sends) << "polls";
  }

  void sent(const Dispatcher::Send& send) {
    ++sends;
    ++events;
    if (now >= setting_.server.outage_begin && now < setting_.server.outage_end) {
      ++sends_in_outage;
    }
    breaker_.sending(now, send.call);
    EXPECT_LE(++in_flight_, setting_.options.in_flight);
    EXPECT_GE(now, held_until_) << "sent before the time that the server named";
    EXPECT_LE(send.texts.size(), setting_.options.batch[0]);
    for (const auto id : send.texts) {
      Text& text = texts_.at(id);
      EXPECT_EQ(text.state, State::kOpen) << "sent twice at once, or after its end";
      EXPECT_EQ(text.role, send.role);
      text.state = State::kFlying;
    }
    flights_.emplace(now + random_.up_to(100ms), Flight{send, {}});
  }

  void flight_event() {
    ++events;
    auto node = flights_.extract(flights_.begin());
    Flight& flight = node.mapped();
    if (flight.result) return reply(flight);
    std::uint64_t tokens = 0;
    for (const auto id : flight.send.texts) tokens += 1 + texts_[id].bytes / 4;
    auto answer = server.answer(now, flight.send.texts, tokens, flight.send.timeout);
    flight.result = std::move(answer.result);
    flights_.emplace(now + answer.took, std::move(flight));
  }

  void reply(Flight& flight) {
    const Outcome outcome = flight.result->outcome;
    const auto wish = flight.result->retry_after;
    --in_flight_;
    for (const auto id : flight.send.texts) {
      Text& text = texts_[id];
      text.state = State::kOpen;
      text.was_answered = true;
      if (outcome == Outcome::kBadInput || outcome == Outcome::kTooLarge) text.was_refused = true;
    }
    breaker_.ended(now, flight.send.call, as_breaker_sees_it(*flight.result));
    if (outcome == Outcome::kThrottled && wish) {
      held_until_ = std::max(held_until_, now + std::min(*wish, setting_.options.retry.hint_cap));
    }
    if (outcome == Outcome::kKeyRefused) key_refused_ = true;
    dispatcher_.ended(now, flight.send.call, std::move(*flight.result));
    if (random_.below(8) == 0) dispatcher_.ended(now, flight.send.call, {});  // changes nothing
    collect();
  }

  /// Replies that are not what was promised are answers, but for many in a row.
  Outcome as_breaker_sees_it(const CallResult& result) {
    if (result.outcome == Outcome::kSuccess) bad_replies_ = 0;
    if (result.outcome != Outcome::kTransient || result.error->kind != ErrorKind::kInvalidData) {
      return result.outcome;
    }
    return ++bad_replies_ > 24 ? Outcome::kTransient : Outcome::kThrottled;
  }

  void collect() {
    for (auto& [id, result] : dispatcher_.take_finished()) {
      ++events;
      Text& text = texts_.at(id);
      ASSERT_EQ(text.state, State::kOpen) << "ended twice, or while it is in flight";
      text.state = State::kSettled;
      --open_;
      if (result) {
        ++done;
        told_tokens_ += result->tokens;
        ASSERT_EQ(result->vector, vector_of(id)) << "of another text";
      } else {
        ++failed;
        expect_reason(id, text, result.error());
      }
    }
  }

  void expect_reason(std::uint64_t id, const Text& text, const Error& error) const {
    const std::uint64_t bad = setting_.server.bad_every;
    if (error.kind == ErrorKind::kInvalidArgument) {
      EXPECT_TRUE(text.was_refused && bad > 0 && id % bad == 0) << "fails for another text";
    } else {
      EXPECT_TRUE(text.was_answered || key_refused_ || gives_up()) << "fails without a reason";
    }
  }

  /// Texts that were never sent fail after an outage that is too long; failures shortly before it
  /// count.
  [[nodiscard]] bool gives_up() const {
    const Time begin = setting_.server.outage_begin;
    return begin < kNever && now >= begin + setting_.options.patience - 4min;
  }

  const Setting setting_;
  Random random_;
  Dispatcher dispatcher_;
  BreakerRule breaker_;
  std::vector<Text> texts_;
  std::multimap<Time, Flight> flights_;
  Time next_add_ = kNever, held_until_ = {};
  std::uint64_t added_ = 0, open_ = 0, in_flight_ = 0, idle_ = 0, told_tokens_ = 0;
  int bad_replies_ = 0;
  bool woken_ = false, key_refused_ = false;
};

Setting random_setting(std::uint64_t seed, std::size_t events) {
  Random random(seed);
  Setting setting{.options = {}, .server = {}, .seed = seed, .trickle_events = events};
  DispatcherOptions& options = setting.options;
  options.batch = {1 + random.below(30), 2'000 + random.below(50'000), 1'000'000};
  options.in_flight = 1 + random.below(6);
  options.seed = seed;
  ServerOptions& server = setting.server;
  if (random.below(2) == 0) {
    options.requests_per_minute = server.requests_per_minute = 60 + random.below(3'000);
  }
  if (random.below(2) == 0) {
    options.tokens_per_minute = server.tokens_per_minute = 100'000 + random.below(1'000'000);
  }
  server.fault_percent = random.below(20);
  if (random.below(2) == 0) {
    server.outage_begin = kStart + random.up_to(10min);
    server.outage_end = server.outage_begin + random.up_to(30min);
  }
  if (random.below(2) == 0) server.bad_every = 100 + random.below(1'000);
  if (random.below(2) == 0) server.most_texts = 1 + random.below(30);
  if (random.below(4) == 0) {
    server.key_refused_begin = kStart + random.up_to(10min);
    server.key_refused_end = server.key_refused_begin + random.up_to(30min);
  }
  return setting;
}

TEST(DispatcherChecker, EachTextEndsOnceAsTheServerSaysAndNothingIsSentInVain) {
  for (std::uint64_t i = 0; i < policy::kSeeds && !HasFailure(); ++i) {
    const std::uint64_t seed = policy::kSeeds * test_seed() + i;
    SCOPED_TRACE(seed);
    World world(random_setting(seed, policy::kCheckedEvents / policy::kSeeds));
    world.run();
    EXPECT_EQ(world.server.rejected, 0U) << "more than the limits of the server";
    EXPECT_GE(world.events, policy::kCheckedEvents / policy::kSeeds);
  }
}

TEST(DispatcherSimulation, TenMinutesReachTheLimitWithoutOneRefusal) {
  struct Case {
    std::uint64_t texts_per_request, least_bytes, most_bytes;
    bool by_requests;  // which of the limits is reached
  };
  for (const Case& c : {Case{1, 400, 3'400, true}, Case{100, 400, 3'400, false}}) {
    for (std::uint64_t i = 0; i < (is_deep() ? 100U : 2U); ++i) {
      Setting setting{.options = {}, .server = {300, 1'000'000}, .seed = test_seed() + i};
      setting.options.batch = {c.texts_per_request, 100'000, 10'000'000};
      setting.options.requests_per_minute = 300;
      setting.options.tokens_per_minute = 1'000'000;
      setting.least_bytes = c.least_bytes;
      setting.most_bytes = c.most_bytes;
      setting.texts = c.by_requests ? 3'100 : 22'000;
      setting.end = kStart + 10min;
      World world(setting);
      world.run();
      EXPECT_EQ(world.server.rejected, 0U);
      if (is_deep() && i == 0) {
        std::cout << "requests " << world.server.accepted << ", tokens "
                  << world.server.accepted_tokens << '\n';
      }
      if (c.by_requests) {
        EXPECT_GE(world.server.accepted, 3'000U * 95 / 100);
      } else {
        EXPECT_GE(world.server.accepted_tokens, 10'000'000U * 95 / 100);
      }
    }
  }
}

TEST(DispatcherSimulation, FivePercentFaultsCostOneRequestEachAndNoText) {
  constexpr std::uint64_t kTexts = 1'000, kPerRequest = 20;
  const std::uint64_t seeds = is_deep() ? 1'000 : 20;
  std::uint64_t done = 0, failed = 0, sends = 0, faults = 0;
  for (std::uint64_t i = 0; i < seeds && !HasFailure(); ++i) {
    const std::uint64_t seed = 1'000 * test_seed() + i;
    SCOPED_TRACE(seed);
    Setting setting{.options = {}, .server = {.fault_percent = 5}, .seed = seed, .texts = kTexts};
    setting.options.batch = {kPerRequest, 100'000, 1'000'000};
    setting.options.seed = seed;
    World world(setting);
    world.run();
    done += world.done;
    failed += world.failed;
    sends += world.sends;
    faults += world.server.faults;
  }
  if (is_deep()) {
    std::cout << done << " done, " << failed << " failed, " << sends << " sends, " << faults
              << " faults\n";
  }
  const std::uint64_t requests = seeds * kTexts / kPerRequest;
  // What is halved after two bad replies costs one more.
  EXPECT_LE(sends, requests + faults + faults / 10) << "a fault costs one more request, the ideal";
  // In a sample one request of bad luck is more than the share.
  EXPECT_LE(failed, seeds * kTexts / 10'000 + (is_deep() ? 0 : kPerRequest));
  EXPECT_EQ(done + failed, seeds * kTexts);
  if (is_deep()) {
    EXPECT_LE(sends * 95, requests * 102) << "1 / (1 - 5 %) + 2 %";
  }
}

TEST(DispatcherSimulation, AnOutageIsHardlyAskedAndThenAllIsDone) {
  for (std::uint64_t i = 0; i < (is_deep() ? 100U : 3U) && !HasFailure(); ++i) {
    Setting setting{.options = {}, .server = {300, 0}, .seed = test_seed() + i, .texts = 5'000};
    setting.options.batch = {3, 100'000, 1'000'000};
    setting.options.requests_per_minute = 300;
    setting.options.seed = setting.seed;
    setting.server.outage_begin = kStart + 1min;
    setting.server.outage_end = kStart + 9min;
    World world(setting);
    world.run();
    EXPECT_EQ(world.done, setting.texts);
    EXPECT_LE(world.sends_in_outage, 8U * 300 * 2 / 100);
    EXPECT_LE(world.now, setting.server.outage_end + 1min + 6min) << "and then as ever";
  }
}

}  // namespace
}  // namespace vecmill::remote
