// All of the machines together, as a run of many texts uses them, in virtual time.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <set>

#include "vecmill/policy/batch_planner.h"
#include "vecmill/policy/breaker.h"
#include "vecmill/policy/budget.h"
#include "vecmill/policy/checker.h"
#include "vecmill/policy/fair_queue.h"
#include "vecmill/policy/limiter.h"
#include "vecmill/policy/random.h"
#include "vecmill/policy/retry.h"

namespace vecmill::policy {
namespace {

using namespace std::chrono_literals;

constexpr Time kStart{1h};
constexpr Date kDay = std::chrono::sys_days(std::chrono::year(2026) / 11 / 21);
constexpr Money kPrice = 180;  // of a token

struct Faults {
  std::uint64_t percent = 0;
  Time outage_begin = kNever, outage_end = kNever;
  std::uint64_t bad_every = kBadNever;  // texts that are never accepted

  static constexpr std::uint64_t kBadNever = ~std::uint64_t{0};
};

struct Totals {
  std::size_t done = 0, failed = 0, sends = 0, faults = 0, refused_for_rate = 0, fresh = 0;
  std::size_t sends_in_outage = 0;
  Time end = kStart;
};

class World {
 public:
  World(std::uint64_t seed, std::size_t texts, const Faults& faults)
      : random_(seed),
        texts_(texts),
        faults_(faults),
        limiter_(*Limiter::create({sliding_window(Unit::kRequests, 297, 3, 1min),
                                   sliding_window(Unit::kTokens, 990'000, 40'000, 1min),
                                   concurrency(5)})),
        planner_({50, 10'000, 1'000'000}, 5ms),
        queue_({.jobs = 500, .jobs_per_tenant = 200}),
        budget_({{Span::kRun, texts * 900 * kPrice}, {Span::kDay, texts * 900 * kPrice}}, {}) {}

  Totals run() {
    while (sum_.done + sum_.failed < texts_ && !testing::Test::HasFailure()) {
      feed();
      const Time send_again = send_what_can_go();
      const Time next = std::min(send_again, first_reply());
      if (next == kNever) {
        ADD_FAILURE() << "nothing will ever happen again: " << sum_.done << " done, "
                      << requests_.size() << " requests, " << queue_.size() << " queued";
        break;
      }
      EXPECT_LE(asks_, 8 * (sum_.sends + replies_seen_ + texts_)) << "polls";
      now_ = std::max(now_, next);
      while (first_reply() <= now_) reply();
    }
    EXPECT_EQ(budget_.usage(0).sum(), billed_) << "the bill";
    sum_.end = now_;
    return sum_;
  }

 private:
  struct Request {
    Batch batch;
    Retry retry = Retry();
    Time at = kStart;
  };
  struct Flight {
    Request request;
    Limiter::GrantId grant;
    Budget::ReservationId money;
    Breaker::Pass pass;
    Outcome outcome;
    Duration took;
  };

  [[nodiscard]] Time first_reply() const {
    return flights_.empty() ? kNever : flights_.begin()->first;
  }

  std::uint64_t tokens_of(std::uint64_t id) const { return 50 + id * 7'919 % 850; }
  bool is_bad(std::uint64_t id) const { return id % faults_.bad_every == faults_.bad_every - 1; }

  void feed() {
    while (next_text_ < texts_ &&
           queue_.push(now_, {next_text_, std::string(1, static_cast<char>('a' + next_text_ % 3)),
                              Priority::kNormal, tokens_of(next_text_)})) {
      ++next_text_;
    }
    while (requests_.size() < 2 && queue_.size() > 0) {
      while (planner_.wake() > now_ && queue_.size() > 0) add(queue_.pop(now_)->id);
      take_batches();
    }
    if (next_text_ == texts_ && queue_.size() == 0) planner_.finish();
    take_batches();
  }

  void add(std::uint64_t id) { planner_.add(now_, {id, tokens_of(id), 4 * tokens_of(id)}); }

  void take_batches() {
    while (auto batch = planner_.next(now_)) {
      ++sum_.fresh;
      requests_.push_back({std::move(*batch)});
    }
  }

  /// Sends while the first in line may go; when to look again.
  Time send_what_can_go() {
    std::stable_sort(requests_.begin(), requests_.end(),
                     [](const Request& a, const Request& b) { return a.at < b.at; });
    while (!requests_.empty()) {
      if (requests_.front().at > now_) return requests_.front().at;
      if (const Time later = send(requests_.front()); later > now_) return later;
      requests_.pop_front();
      feed();
    }
    return planner_.wake();
  }

  static Demand demand_of(const Batch& batch) {
    Demand demand;
    demand[Unit::kRequests] = demand[Unit::kConcurrency] = 1;
    demand[Unit::kTokens] = batch.size()[1];
    return demand;
  }

  Time send(Request& request) {
    ++asks_;
    const Demand demand = demand_of(request.batch);
    const Limiter::Answer answer = limiter_.take(now_, demand);
    if (answer.verdict != Limiter::Verdict::kGranted) return answer.ask_again;
    const Budget::Answer money = budget_.reserve(kDay, demand[Unit::kTokens] * kPrice);
    EXPECT_EQ(money.verdict, Budget::Verdict::kGranted) << "money is lost somewhere";
    const Breaker::Pass pass = breaker_.admit(now_);
    if (!pass.granted) {
      limiter_.settle(answer.grant, {});
      budget_.settle(money.reservation, 0);
      return pass.ask_again;
    }
    ++sum_.sends;
    const auto [outcome, took] = provider(request.batch, demand);
    flights_.emplace(now_ + took, Flight{std::move(request), answer.grant, money.reservation, pass,
                                         outcome, took});
    return now_;
  }

  std::pair<Outcome, Duration> provider(const Batch& batch, const Demand& demand) {
    const Duration usual = 200ms + random_.up_to(300ms);
    if (now_ >= faults_.outage_begin && now_ < faults_.outage_end) {
      ++sum_.sends_in_outage;
      ++sum_.faults;
      return {Outcome::kTransient, random_.below(2) == 0 ? Duration(60s) : usual};
    }
    while (!log_.empty() && log_.front().first <= now_ - 1min) log_.pop_front();
    std::uint64_t tokens = demand[Unit::kTokens];
    for (const auto& [at, used] : log_) tokens += used;
    if (log_.size() + 1 > 300 || tokens > 1'000'000) {
      ++sum_.refused_for_rate;
      return {Outcome::kThrottled, usual};
    }
    log_.emplace_back(now_, demand[Unit::kTokens]);
    if (random_.below(100) < faults_.percent) {
      ++sum_.faults;
      const Outcome outcome = random_.below(3) == 0 ? Outcome::kThrottled : Outcome::kTransient;
      return {outcome, random_.below(10) == 0 ? Duration(60s) : usual};
    }
    for (const Piece& piece : batch.pieces) {
      if (is_bad(piece.id)) return {Outcome::kBadInput, usual};
    }
    return {Outcome::kSuccess, usual};
  }

  void reply() {
    Flight flight = std::move(flights_.begin()->second);
    flights_.erase(flights_.begin());
    ++replies_seen_;
    breaker_.report(now_, flight.pass, flight.outcome, flight.took);
    const bool success = flight.outcome == Outcome::kSuccess;
    const Demand demand = demand_of(flight.request.batch);
    limiter_.settle(flight.grant, demand);
    budget_.settle(flight.money, success ? demand[Unit::kTokens] * kPrice : 0);
    Request& request = flight.request;
    if (success) {
      billed_ += demand[Unit::kTokens] * kPrice;
      retries_.succeeded();
      planner_.accepted(request.batch);
      for (const Piece& piece : request.batch.pieces) {
        EXPECT_TRUE(finished_.insert(piece.id).second) << "paid twice";
      }
      sum_.done += request.batch.pieces.size();
    } else if (flight.outcome == Outcome::kBadInput) {
      if (!planner_.refused(request.batch, flight.outcome)) ++sum_.failed;
    } else if (const auto at = request.retry.after(flight.outcome, now_, hint(flight.outcome),
                                                   random_, retries_)) {
      request.at = *at;
      requests_.push_back(std::move(request));
    } else {
      // A run puts back what may still succeed.
      request.retry = Retry();
      request.at = now_ + 20s;
      requests_.push_back(std::move(request));
    }
  }

  std::optional<Duration> hint(Outcome outcome) {
    if (outcome != Outcome::kThrottled) return std::nullopt;
    return random_.up_to(3s);
  }

  Random random_;
  std::size_t texts_;
  Faults faults_;
  Limiter limiter_;
  BatchPlanner planner_;
  FairQueue queue_;
  Budget budget_;
  Breaker breaker_;
  RetryBudget retries_;

  Time now_ = kStart;
  std::uint64_t next_text_ = 0;
  std::deque<Request> requests_;
  std::multimap<Time, Flight> flights_;
  std::set<std::uint64_t> finished_;
  std::deque<std::pair<Time, std::uint64_t>> log_;  // of the provider's last minute
  Money billed_ = 0;
  std::size_t asks_ = 0, replies_seen_ = 0;
  Totals sum_;
};

constexpr std::size_t kTexts = kSlowBuild ? 5'000 : 50'000;

TEST(SimulationTest, WithoutFaultsTheLimitIsReachedAndNothingRefused) {
  for (std::uint64_t i = 0; i < 5; ++i) {
    const std::uint64_t seed = first_seed() + i;
    const Totals sum = World(seed, kTexts, {}).run();
    EXPECT_EQ(sum.done, kTexts);
    EXPECT_EQ(sum.sends, sum.fresh);
    EXPECT_EQ(sum.refused_for_rate, 0U);
    const double tokens = 475.0 * kTexts;
    EXPECT_GE(tokens / std::chrono::duration<double>(sum.end - kStart).count(), 0.93 * 1e6 / 60);
  }
}

TEST(SimulationTest, FivePercentFaultsCostOneRequestEach) {
  for (std::uint64_t i = 0; i < 5; ++i) {
    const std::uint64_t seed = first_seed() + i;
    const Totals sum = World(seed, kTexts, {.percent = 5}).run();
    EXPECT_EQ(sum.done, kTexts);
    EXPECT_EQ(sum.refused_for_rate, 0U);
    EXPECT_EQ(sum.sends, sum.fresh + sum.faults) << "each fault is answered by one request";
  }
}

TEST(SimulationTest, BadTextsFailAloneAmongFaults) {
  const Totals sum = World(first_seed(), kTexts, {.percent = 5, .bad_every = 1'000}).run();
  EXPECT_EQ(sum.failed, kTexts / 1'000);
  EXPECT_EQ(sum.done, kTexts - kTexts / 1'000);
}

TEST(SimulationTest, AnOutageIsProbedAndThenEverythingIsDone) {
  const Totals sum =
      World(first_seed(), kTexts, {.outage_begin = kStart + 1min, .outage_end = kStart + 31min})
          .run();
  EXPECT_EQ(sum.done, kTexts);
  EXPECT_LE(sum.sends_in_outage, 30U * 60 * 2 / 100) << "2 % of about one request a second";
  EXPECT_GT(sum.end, kStart + 31min);
  EXPECT_LE(sum.end, kStart + 31min + 1min + kTexts * 31ms) << "and then at the usual rate";
}

}  // namespace
}  // namespace vecmill::policy
