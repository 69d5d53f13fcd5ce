#include "vecmill/remote/common_state.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <deque>
#include <random>

#include "vecmill/postgres/parameters.h"
#include "vecmill/postgres/testing.h"
#include "vecmill/redis/testing.h"
#include "vecmill/remote/postgres_state.h"
#include "vecmill/remote/redis_state.h"

namespace vecmill::remote {
namespace {

using namespace std::chrono_literals;
using policy::Breaker;
using policy::Demand;
using policy::Duration;
using policy::Limit;
using policy::Limiter;
using policy::Outcome;
using policy::Time;
using policy::Unit;
using std::chrono::microseconds;

bool is_deep() { return std::getenv("VECMILL_TEST_DEEP") != nullptr; }

std::mt19937 seeded() {
  const char* seed = std::getenv("VECMILL_TEST_SEED");
  return std::mt19937(seed != nullptr ? static_cast<unsigned>(std::atoi(seed)) : 1);
}

Demand demand(std::uint64_t tokens) {
  Demand demand;
  demand[Unit::kRequests] = 1;
  demand[Unit::kTokens] = tokens;
  return demand;
}

/// Their times are whole microseconds, which is what the server counts in.
std::vector<Limit> exact_limits(std::uint64_t requests = 600, std::uint64_t tokens = 1'000'000) {
  return {{Unit::kRequests, requests, 1min, requests / 50},
          {Unit::kTokens, tokens, 1min, tokens / 40}};
}

enum class Kept { kRedis, kPostgres };

/// What every server of states promises. Each test has a name of its own there.
class CommonStateTest : public testing::TestWithParam<Kept> {
 protected:
  void SetUp() override {
    if (is_redis() && !redis_) redis_ = std::make_unique<redis::TestServer>();
    if (is_redis() || postgres_) return;
    postgres_ = postgres::TestServer::begin();
    if (!postgres_) GTEST_SKIP() << "Debian's postgresql-15 is not installed";
  }
  static void TearDownTestSuite() {
    redis_.reset();
    postgres_.reset();
  }

  [[nodiscard]] static bool is_redis() { return GetParam() == Kept::kRedis; }

  CommonStateOptions options() {
    return {.worker = "w", .limits = exact_limits(), .clock = [this] { return micros(); }};
  }
  static std::shared_ptr<postgres::Client> client() {
    return std::make_shared<postgres::Client>(
        postgres::ClientOptions{.url = *postgres::parse_database(postgres_->url()),
                                .objects = &state_objects(),
                                .connect_within = 5s,
                                .answer_within = 5s,
                                .pause_first = 1ms,
                                .pause_most = 1ms});
  }
  /// All with the same name share.
  static std::unique_ptr<CommonState> open(CommonStateOptions options,
                                           const std::string& more = {}) {
    const std::string name = testing::UnitTest::GetInstance()->current_test_info()->name() + more;
    auto server = is_redis()
                      ? make_redis_state(std::make_shared<redis::Client>(redis_->client()), name)
                      : make_postgres_state(client(), name);
    return std::make_unique<CommonState>(std::move(server), std::move(options));
  }
  [[nodiscard]] std::uint64_t micros() const {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<microseconds>(now_.time_since_epoch()).count());
  }

  static void kill_server() { is_redis() ? redis_->kill() : postgres_->kill(); }
  static void start_server() { is_redis() ? redis_->start() : postgres_->start(); }
  static void forget_everything() {
    if (is_redis()) {
      ASSERT_TRUE(redis::Client(redis_->client()).call({"FLUSHALL"}));
    } else {
      ASSERT_TRUE(client()->run("TRUNCATE @vecmill_limit_states, @vecmill_breaker_states", {}));
    }
  }

  static inline std::unique_ptr<redis::TestServer> redis_;
  static inline std::unique_ptr<postgres::TestServer> postgres_;
  Time now_{std::chrono::hours(400'000)};
};

INSTANTIATE_TEST_SUITE_P(, CommonStateTest, testing::Values(Kept::kRedis, Kept::kPostgres),
                         [](const auto& of) {
                           return std::string(of.param == Kept::kRedis ? "redis" : "postgres");
                         });

TEST_P(CommonStateTest, GrantsAndWaitsAreThoseOfTheLimiter) {
  auto random = seeded();
  const int rounds = is_deep() ? 200 : 4;
  for (int round = 0; round < rounds; ++round) {
    CommonStateOptions given = options();
    const auto state = open(given, std::to_string(round));
    Limiter limiter = Limiter::create(given.limits).value();
    struct Open {
      SharedState::Ticket ticket;
      Limiter::GrantId grant;
    };
    std::deque<Open> open;
    int waits = 0;
    for (int step = 0; step < 300; ++step) {
      now_ += microseconds(random() % (random() % 20 == 0 ? 10'000'000 : 120'000));
      if (open.empty() || random() % 3 > 0) {
        const Demand wanted = demand(random() % 25'000 + 1);
        const auto mine = limiter.take(now_, wanted);
        const auto theirs = state->admit(now_, wanted);
        ASSERT_EQ(theirs.ticket.has_value(), mine.verdict == Limiter::Verdict::kGranted)
            << "round " << round << ", step " << step;
        if (theirs.ticket) {
          open.push_back({*theirs.ticket, mine.grant});
        } else {
          ++waits;
          ASSERT_EQ(theirs.ask_again, std::max<Duration>(mine.ask_again - now_, 1ms)) << step;
        }
      } else {
        const std::size_t at = random() % open.size();
        const Open done = open[at];
        open.erase(open.begin() + static_cast<std::ptrdiff_t>(at));
        const std::uint64_t tokens = random() % 30'000;
        if (tokens % 5 == 0) {
          limiter.settle(done.grant, {});
          state->cancel(done.ticket);
        } else {
          limiter.settle(done.grant, demand(tokens));
          state->settle(done.ticket, {.tokens = tokens});
          state->settle(done.ticket, {.tokens = 1});  // again: nothing happens
        }
      }
    }
    EXPECT_GT(waits, 10);
    ASSERT_FALSE(state->stats().failure) << state->stats().failure->to_string();
  }
}

TEST_P(CommonStateTest, BothLimitsAreTakenOrNeither) {
  CommonStateOptions given = options();
  given.limits = {{Unit::kRequests, 60, 1min, 10}, {Unit::kTokens, 6'000, 1min, 100}};
  const auto state = open(given);
  ASSERT_TRUE(state->admit(now_, demand(100)).ticket);
  for (int i = 0; i < 50; ++i) ASSERT_FALSE(state->admit(now_, demand(100)).ticket);
  now_ += 1s;  // the tokens are back
  EXPECT_TRUE(state->admit(now_, demand(100)).ticket) << "refusals took requests";
}

TEST_P(CommonStateTest, AfterAThrottledReplyNobodyIsGrantedAnythingForSoLong) {
  const auto one = open(options()), other = open(options());
  const auto ticket = one->admit(now_, demand(1)).ticket;
  ASSERT_TRUE(ticket);
  one->settle(*ticket, {.outcome = Outcome::kThrottled, .retry_after = 7s});
  EXPECT_EQ(other->admit(now_, demand(1)).ask_again, Duration(7s));
  now_ += 7s;
  EXPECT_TRUE(other->admit(now_, demand(1)).ticket);
}

TEST_P(CommonStateTest, AdmissionsAreThoseOfTheBreaker) {
  auto random = seeded();
  const int steps = is_deep() ? 20'000 : 600;
  CommonStateOptions given = options();
  given.limits = {};
  given.breaker = {.failures = 3, .open_for = 10s, .probes = 2};
  given.belief = 1000;
  const auto state = open(given);
  Breaker breaker(given.breaker);
  struct Open {
    SharedState::Ticket ticket;
    Breaker::Pass pass;
  };
  std::vector<Open> open;
  int refused = 0;
  for (int step = 0; step < steps; ++step) {
    now_ += microseconds(random() % 2'000'000 + 1);
    if (open.empty() || random() % 2 == 0) {
      const auto mine = breaker.admit(now_);
      const auto theirs = state->admit(now_, {});
      ASSERT_EQ(theirs.ticket.has_value(), mine.granted) << step;
      if (theirs.ticket) {
        open.push_back({*theirs.ticket, mine});
      } else {
        ++refused;
        ASSERT_EQ(theirs.ask_again, std::max<Duration>(mine.ask_again - now_, 1ms)) << step;
      }
      continue;
    }
    const std::size_t at = random() % open.size();
    const Open done = open[at];
    open.erase(open.begin() + static_cast<std::ptrdiff_t>(at));
    const auto outcome = static_cast<Outcome>(random() % 5);
    const Duration took = random() % 10 == 0 ? 40s : 1s;
    if (random() % 10 == 0) {
      breaker.cancel(done.pass);
      state->cancel(done.ticket);
    } else {
      breaker.report(now_, done.pass, outcome, took);
      state->settle(done.ticket, {.outcome = outcome, .took = took});
    }
  }
  EXPECT_GT(refused, 20);
}

/// Five failures, so that it is open.
void break_it(CommonState& state, Time now) {
  for (int i = 0; i < 5; ++i) {
    const auto ticket = state.admit(now, {}).ticket;
    ASSERT_TRUE(ticket);
    state.settle(*ticket, {.outcome = Outcome::kTransient});
  }
}

TEST_P(CommonStateTest, AnOpenBreakerOutlivesItsProcessAndOnlyOneProbes) {
  break_it(*open(options()), now_);
  const auto one = open(options()), other = open(options());
  EXPECT_FALSE(one->admit(now_, {}).ticket);
  now_ += 60s;
  const auto probe = one->admit(now_, {}).ticket;
  ASSERT_TRUE(probe);
  EXPECT_FALSE(other->admit(now_, {}).ticket) << "one probes already";
  one->settle(*probe, {});
  EXPECT_TRUE(other->admit(now_, {}).ticket);
}

TEST_P(CommonStateTest, ALateReportOfAnOldProbeChangesNothing) {
  const auto one = open(options()), other = open(options());
  break_it(*one, now_);
  now_ += 60s;
  const auto lost = one->admit(now_, {}).ticket;
  ASSERT_TRUE(lost);
  now_ += 60s;  // the probe is given up
  const auto next = other->admit(now_, {}).ticket;
  ASSERT_TRUE(next);
  one->settle(*lost, {});  // would close it
  EXPECT_FALSE(one->admit(now_, {}).ticket) << "the second probe is on its way";
  other->settle(*next, {.outcome = Outcome::kTransient});
  EXPECT_FALSE(one->admit(now_ + 59s, {}).ticket);
}

TEST_P(CommonStateTest, WhatOthersSayForLongIsLookedAtForOneself) {
  const auto one = open(options()), other = open(options());
  break_it(*one, now_);
  int own = 0;
  for (int i = 0; i < 300; ++i, now_ += 1s) {
    // One process takes all probes, and all of them fail.
    if (const auto probe = one->admit(now_, {}).ticket) {
      one->settle(*probe, {.outcome = Outcome::kTransient});
    }
    own += other->admit(now_, {}).ticket ? 1 : 0;
  }
  EXPECT_EQ(own, 2) << "once in two minutes";
}

TEST_P(CommonStateTest, ARefusedKeyIsEachProcesssOwnAffair) {
  const auto one = open(options());
  for (int i = 0; i < 10; ++i) {
    const auto ticket = one->admit(now_, {}).ticket;
    ASSERT_TRUE(ticket);
    one->settle(*ticket, {.outcome = Outcome::kKeyRefused});
  }
}

/// Grants in `span`, asked for every 40 ms by each.
std::uint64_t grants_in(std::vector<CommonState*> states, Time& now, Duration span) {
  std::uint64_t granted = 0;
  for (const Time end = now + span; now < end; now += 40ms) {
    for (CommonState* state : states) {
      if (const auto ticket = state->admit(now, demand(1)).ticket) {
        ++granted;
        state->settle(*ticket, {.tokens = 1});
      }
    }
  }
  return granted;
}

TEST_P(CommonStateTest, WhileTheServerIsAwayEachHasItsShare) {
  std::vector<std::unique_ptr<CommonState>> owned;
  std::vector<CommonState*> states;
  for (int i = 0; i < 4; ++i) {
    CommonStateOptions given = options();
    given.worker += std::to_string(i);
    owned.push_back(open(given));
    states.push_back(owned.back().get());
  }
  grants_in(states, now_, 2s);
  EXPECT_EQ(states[0]->stats().workers, 4u);
  kill_server();
  const std::uint64_t alone = grants_in(states, now_, 60s);
  EXPECT_LE(alone, 612u) << "what the limit gives in a minute";
  EXPECT_GE(alone, 500u);
  EXPECT_GT(states[0]->stats().alone, 100u);
  ASSERT_TRUE(states[0]->stats().failure);
  start_server();
  const std::uint64_t before = states[0]->stats().alone;
  std::uint64_t together = 0;
  while (together == 0) {  // it comes back by itself, with nothing to give away at first
    now_ += 1s;
    together = grants_in({states[0]}, now_, 1s) + before - states[0]->stats().alone;
  }
  EXPECT_LE(together, 12u);
}

TEST_P(CommonStateTest, AnEmptiedServerGivesNoSecondBurst) {
  const auto one = open(options()), other = open(options());
  std::uint64_t granted = grants_in({one.get(), other.get()}, now_, 3s);
  for (int i = 0; i < 5; ++i) {
    forget_everything();
    granted += grants_in({one.get(), other.get()}, now_, 3s);
  }
  EXPECT_LE(granted, 12u + 180u) << "one burst, and what comes back in 18 s";
  EXPECT_GE(granted, 12u + 180u - 5 * 13u);
}

/// What several processes see. The clock moves on with each question.
struct Seen {
  std::atomic<std::uint64_t> clock, granted;
  std::array<std::atomic<std::uint64_t>, 4> at;  ///< the time of each one's question

  /// Nobody gets half a minute ahead of another: a minute behind is a clock that was set back.
  void wait_for_others(std::uint64_t now) {
    const auto ahead = [now](const auto& other) { return now > other + 30'000'000; };
    while (std::ranges::any_of(at, ahead)) sched_yield();
  }
};

TEST_P(CommonStateTest, FourProcessesShareOneRateWithinTwoPercent) {
  const int minutes = is_deep() ? 10 : 1;
  void* memory =
      mmap(nullptr, sizeof(Seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  Seen& seen = *new (memory) Seen{micros(), 0, {micros(), micros(), micros(), micros()}};
  const auto tick = [&] { return seen.clock += 10'000; };
  const std::uint64_t end = micros() + 60'000'000u * minutes;
  std::vector<pid_t> children;
  for (std::size_t i = 0; i < 4; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      std::uint64_t now = tick();
      CommonStateOptions given = options();
      given.worker += std::to_string(i);
      given.clock = [&] { return now; };
      const auto state = open(given);
      for (; now < end; now = tick()) {
        seen.at[i] = now;
        seen.wait_for_others(now);
        const auto ticket = state->admit(Time(microseconds(now)), demand(500)).ticket;
        if (!ticket) continue;
        ++seen.granted;
        state->settle(*ticket, {.tokens = 500});
      }
      seen.at[i] = end;
      _exit(state->stats().failure ? 1 : 0);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
  const double granted = static_cast<double>(seen.granted);
  munmap(memory, sizeof(Seen));
  const double allowed = 600.0 * minutes + 12;  // with the one burst
  EXPECT_LE(granted, allowed);
  EXPECT_GE(granted, 0.98 * allowed);
}

}  // namespace
}  // namespace vecmill::remote
