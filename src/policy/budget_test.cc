#include "vecmill/policy/budget.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <map>
#include <set>

#include "vecmill/policy/checker.h"
#include "vecmill/policy/random.h"

namespace vecmill::policy {
namespace {

using namespace std::chrono_literals;
using Verdict = Budget::Verdict;
using std::chrono::days;

constexpr Date kNoon = std::chrono::sys_days(std::chrono::year(2026) / 11 / 30) + 12h;
constexpr Date kMidnight = kNoon + 12h;  // of the day and of the month

Budget budget_of(Span span, Money limit, const BudgetOptions& options = {}) {
  return Budget({{span, limit}}, options);
}

TEST(BudgetTest, ReservesSettlesAndStops) {
  Budget budget = budget_of(Span::kRun, 100);
  const Budget::Answer first = budget.reserve(kNoon, 60);
  EXPECT_EQ(first.verdict, Verdict::kGranted);
  const Budget::Answer refused = budget.reserve(kNoon, 41);
  EXPECT_EQ(refused.verdict, Verdict::kStopped);
  EXPECT_EQ(refused.ask_again, Date::max());
  EXPECT_EQ(budget.usage(0).sum(), 60U);
  EXPECT_TRUE(budget.settle(first.reservation, 10));
  EXPECT_EQ(budget.usage(0).spent, 10U);
  EXPECT_EQ(budget.reserve(kNoon, 90).verdict, Verdict::kGranted);
  EXPECT_EQ(budget.reserve(kNoon, 1).verdict, Verdict::kStopped);
}

TEST(BudgetTest, WhenAWindowEnds) {
  struct Case {
    Span span;
    Date now, end;
  };
  const auto day = [](int year, unsigned month, unsigned d) -> Date {
    return std::chrono::sys_days(std::chrono::year(year) / month / d);
  };
  for (const Case& c : {
           Case{Span::kDay, kNoon, kMidnight},
           Case{Span::kDay, kMidnight, kMidnight + 24h},
           Case{Span::kMonth, kNoon, kMidnight},
           Case{Span::kMonth, kMidnight, day(2027, 1, 1)},
           Case{Span::kMonth, day(2026, 12, 31), day(2027, 1, 1)},
           Case{Span::kMonth, day(2027, 2, 1) + 1s, day(2027, 3, 1)},
           Case{Span::kMonth, day(2028, 2, 29), day(2028, 3, 1)},
           Case{Span::kRun, kNoon, Date::max()},
       }) {
    Budget budget = budget_of(c.span, 100);
    EXPECT_EQ(budget.reserve(c.now, 100).verdict, Verdict::kGranted);
    EXPECT_EQ(budget.reserve(c.now, 1).ask_again, c.end);
    EXPECT_EQ(budget.reserve(c.end - 1s, 1).verdict, Verdict::kStopped);
    if (c.span == Span::kRun) continue;
    EXPECT_EQ(budget.reserve(c.end, 1).verdict, Verdict::kGranted);
  }
}

TEST(BudgetTest, AllLimitsOrNone) {
  Budget budget({{Span::kDay, 100}, {Span::kMonth, 150}, {Span::kRun, 500}}, {});
  ASSERT_EQ(budget.reserve(kNoon - 24h, 90).verdict, Verdict::kGranted);
  const Budget::Answer answer = budget.reserve(kNoon, 70);
  EXPECT_EQ(answer.verdict, Verdict::kStopped);
  EXPECT_EQ(answer.limit, 1U);
  EXPECT_EQ(answer.ask_again, kMidnight);
  for (std::size_t i = 1; i < 3; ++i) EXPECT_EQ(budget.usage(i).sum(), 90U);
  EXPECT_EQ(budget.usage(0).sum(), 0U) << "a new day";
  EXPECT_EQ(budget.reserve(kNoon, 101).ask_again, Date::max()) << "more than a day ever has";
}

TEST(BudgetTest, ACallThatEndsTomorrowIsChargedToday) {
  Budget budget({{Span::kDay, 100}, {Span::kRun, 500}}, {});
  const Budget::Answer late = budget.reserve(kMidnight - 1s, 100);
  const Budget::Answer lost = budget.reserve(kMidnight, 100);
  EXPECT_EQ(lost.verdict, Verdict::kGranted);
  EXPECT_TRUE(budget.set_unknown(late.reservation));
  EXPECT_EQ(budget.usage(0).unknown, 0U);
  EXPECT_EQ(budget.usage(1).unknown, 100U);
  EXPECT_TRUE(budget.settle(late.reservation, 70));
  EXPECT_EQ(budget.usage(0).spent, 0U);
  EXPECT_EQ(budget.usage(0).reserved, 100U);
  EXPECT_EQ(budget.usage(1).spent, 70U);
}

TEST(BudgetTest, UnknownCountsInFullUntilItIsSettledAfterAll) {
  Budget budget = budget_of(Span::kRun, 100);
  const Budget::Answer call = budget.reserve(kNoon, 60);
  EXPECT_TRUE(budget.set_unknown(call.reservation));
  EXPECT_FALSE(budget.set_unknown(call.reservation));
  EXPECT_FALSE(budget.set_unknown(call.reservation + 1));
  EXPECT_EQ(budget.usage(0).unknown, 60U);
  EXPECT_EQ(budget.usage(0).reserved, 0U);
  EXPECT_EQ(budget.reserve(kNoon, 41).verdict, Verdict::kStopped);
  EXPECT_TRUE(budget.settle(call.reservation, 0));
  EXPECT_FALSE(budget.settle(call.reservation, 0));
  EXPECT_EQ(budget.usage(0).sum(), 0U);
}

TEST(BudgetTest, ACostAboveTheReservationIsRecordedAndStopsTheNext) {
  for (const Money cost : {Money{101}, ~Money{0}}) {
    Budget budget = budget_of(Span::kRun, 100);
    const Budget::Answer call = budget.reserve(kNoon, 1);
    EXPECT_TRUE(budget.settle(call.reservation, cost));
    EXPECT_EQ(budget.usage(0).spent, cost);
    EXPECT_EQ(budget.reserve(kNoon, 1).verdict, Verdict::kStopped);
  }
}

TEST(BudgetTest, WhatCostsNothingIsNeverHeldUp) {
  Budget budget({{Span::kDay, 0}, {Span::kRun, 0}}, {.throttle_percent = 0});
  EXPECT_EQ(budget.reserve(kNoon, 1).verdict, Verdict::kStopped);
  const Budget::Answer free = budget.reserve(kNoon, 0);
  EXPECT_EQ(free.verdict, Verdict::kGranted);
  EXPECT_EQ(free.alert, std::nullopt);
}

TEST(BudgetTest, WhatWasSpentBeforeCounts) {
  Budget budget = budget_of(Span::kDay, 100);
  budget.restore(kNoon, 0, 70);
  EXPECT_EQ(budget.reserve(kNoon, 31).verdict, Verdict::kStopped);
  EXPECT_EQ(budget.reserve(kNoon, 30).verdict, Verdict::kGranted);
}

TEST(BudgetTest, AlertsOnceInEachWindow) {
  Budget budget({{Span::kRun, 1'000}, {Span::kDay, 100}}, {});
  EXPECT_EQ(budget.reserve(kNoon, 79).alert, std::nullopt);
  EXPECT_EQ(budget.reserve(kNoon, 1).alert, 1U);
  EXPECT_EQ(budget.reserve(kNoon, 1).alert, std::nullopt);
  EXPECT_EQ(budget.reserve(kMidnight, 80).alert, 1U);
}

TEST(BudgetTest, TheRestIsLetOutEvenly) {
  Budget budget = budget_of(Span::kDay, 100, {.throttle_percent = 50});
  const Date morning = kMidnight - 24h;
  EXPECT_EQ(budget.reserve(morning, 50).verdict, Verdict::kGranted);
  const Budget::Answer answer = budget.reserve(morning, 10);
  EXPECT_EQ(answer.verdict, Verdict::kThrottled);
  EXPECT_EQ(answer.ask_again, morning + 288min);
  EXPECT_EQ(budget.reserve(answer.ask_again - 1s, 10).verdict, Verdict::kThrottled);
  EXPECT_EQ(budget.reserve(answer.ask_again, 10).verdict, Verdict::kGranted);
  Budget run = budget_of(Span::kRun, 100, {.throttle_percent = 50});
  EXPECT_EQ(run.reserve(morning, 100).verdict, Verdict::kGranted) << "no end to spread it to";
}

TEST(BudgetTest, AClockThatIsSetBackBringsNoMoneyBack) {
  Budget budget = budget_of(Span::kDay, 100);
  ASSERT_EQ(budget.reserve(kNoon, 100).verdict, Verdict::kGranted);
  for (const Duration back : {Duration(1h), Duration(24h * 365 * 10)}) {
    const Date then = kNoon - std::chrono::floor<std::chrono::seconds>(back);
    EXPECT_EQ(budget.reserve(then, 1).verdict, Verdict::kStopped);
  }
}

/// Every order in which calls can begin and end, and every way in which each can end.
class Interleavings {
 public:
  explicit Interleavings(int calls) : calls_(static_cast<std::size_t>(calls)) {
    step(budget_of(Span::kRun, kLimit), 0);
  }

  std::size_t orders = 0, refusals = 0;

 private:
  static constexpr Money kLimit = 10, kCost = 4;
  enum class Stage : std::uint8_t { kNew, kOpen, kDone };
  struct Call {
    Stage stage = Stage::kNew;
    Budget::ReservationId id = 0;
  };

  void step(const Budget& budget, Money billed) {
    ASSERT_LE(budget.usage(0).sum(), kLimit);
    ASSERT_LE(billed, budget.usage(0).sum());
    bool last = true;
    for (Call& call : calls_) {
      if (call.stage == Stage::kDone) continue;
      last = false;
      const Call before = call;
      call.stage == Stage::kNew ? begin(call, budget, billed) : end(call, budget, billed);
      call = before;
    }
    orders += last ? 1 : 0;
  }

  void begin(Call& call, Budget budget, Money billed) {
    const Budget::Answer answer = budget.reserve(kNoon, kCost);
    call = {answer.verdict == Verdict::kGranted ? Stage::kOpen : Stage::kDone, answer.reservation};
    refusals += call.stage == Stage::kDone ? 1 : 0;
    step(budget, billed);
  }

  void end(Call& call, const Budget& budget, Money billed) {
    call.stage = Stage::kDone;
    for (const Money cost : {Money{0}, kCost / 2, kCost}) {
      Budget after = budget;
      ASSERT_TRUE(after.settle(call.id, cost));
      step(after, billed + cost);
    }
    Budget after = budget;
    ASSERT_TRUE(after.set_unknown(call.id));
    step(after, billed + kCost);  // it may have been billed
  }

  std::vector<Call> calls_;
};

TEST(BudgetChecker, NoOrderOfCallsSpendsMoreThanTheLimit) {
  for (int calls = 1; calls <= (kSlowBuild ? 3 : 4); ++calls) {
    const Interleavings all(calls);
    EXPECT_GT(all.orders, 0U);
    EXPECT_EQ(all.refusals > 0, calls > 2);
  }
}

/// Calls over years of dates; a bill of our own, by calendar day and month of the reservation.
class World {
 public:
  explicit World(std::uint64_t seed)
      : random_(seed),
        limits_{1'000 + random_.below(1'000'000), 1'000 + random_.below(10'000'000),
                10'000'000'000 + random_.below(1'000'000'000)},
        options_{.alert_percent = static_cast<int>(random_.below(101)),
                 .throttle_percent = 50 + static_cast<int>(random_.below(51))},
        budget_({{Span::kDay, limits_[0]}, {Span::kMonth, limits_[1]}, {Span::kRun, limits_[2]}},
                options_) {}

  void run(std::size_t events) {
    for (std::size_t i = 0; i < events && !testing::Test::HasFailure(); ++i) {
      now_ += std::chrono::seconds(random_.below(random_.below(40) == 0 ? 100'000 : 600));
      if (random_.below(2) == 0) {
        reserve();
      } else if (!open_.empty()) {
        end();
      }
      check();
    }
  }

 private:
  struct Call {
    Budget::ReservationId id;
    Money amount;
    std::array<long, 3> windows;
    bool unknown = false;
  };
  using Usages = std::array<Money, 3>;

  [[nodiscard]] std::array<long, 3> windows() const {
    const std::time_t time = now_.time_since_epoch().count();
    std::tm date = {};
    gmtime_r(&time, &date);
    return {time / 86'400, date.tm_year * 12L + date.tm_mon, 0};
  }

  [[nodiscard]] Usages usages() const {
    return {budget_.usage(0).sum(), budget_.usage(1).sum(), budget_.usage(2).sum()};
  }

  void reserve() {
    (void)budget_.reserve(now_, 0);  // free, and shows the present windows
    const Money amount = 1 + random_.below(limits_[0] / (1 + random_.below(20)));
    const Usages before = usages();
    const Date back = random_.below(100) == 0 ? now_ - days(random_.below(4'000)) : now_;
    Budget::Answer answer = budget_.reserve(back, amount);
    if (answer.verdict != Verdict::kGranted) {
      EXPECT_EQ(usages(), before) << "a refusal reserved something";
      EXPECT_GT(answer.ask_again, back);
      if (answer.ask_again == Date::max() || random_.below(3) != 0) return;
      const auto asked_in = windows();
      now_ = std::max(now_, answer.ask_again);
      answer = budget_.reserve(now_, amount);
      // The pace of a new window may ask for more patience.
      if (windows() == asked_in || options_.throttle_percent == 100) {
        EXPECT_EQ(answer.verdict, Verdict::kGranted) << "not granted at the moment it named";
      }
      if (answer.verdict != Verdict::kGranted) return;
    }
    EXPECT_GT(answer.reservation, last_);
    last_ = answer.reservation;
    if (answer.alert) {
      EXPECT_TRUE(alerts_.emplace(*answer.alert, windows()[*answer.alert]).second) << "twice";
    }
    open_.push_back({answer.reservation, amount, windows()});
    for (std::size_t i = 0; i < 3; ++i) bill_[i][windows()[i]] += amount;
  }

  void end() {
    const std::size_t at = random_.below(open_.size());
    Call& call = open_[at];
    if (random_.below(10) == 0) {
      EXPECT_EQ(budget_.set_unknown(call.id), !call.unknown);
      call.unknown = true;
      return;
    }
    const Money cost = call.amount - random_.below(call.amount + 1);
    EXPECT_TRUE(budget_.settle(call.id, cost));
    EXPECT_FALSE(budget_.settle(call.id, 0)) << "settled twice";
    for (std::size_t i = 0; i < 3; ++i) bill_[i][call.windows[i]] -= call.amount - cost;
    call = open_.back();
    open_.pop_back();
  }

  void check() {
    (void)budget_.reserve(now_, 0);
    for (std::size_t i = 0; i < 3; ++i) {
      const auto bill = bill_[i].find(windows()[i]);
      const Money ours = bill == bill_[i].end() ? 0 : bill->second;
      EXPECT_EQ(budget_.usage(i).sum(), ours) << "not what was spent";
      EXPECT_LE(ours, limits_[i]) << "over the limit";
    }
    const Money paced = limits_[0] * static_cast<Money>(options_.throttle_percent) / 100;
    const auto second = static_cast<Money>(now_.time_since_epoch().count() % 86'400);
    EXPECT_LE(budget_.usage(0).sum(), paced + (limits_[0] - paced) * second / 86'400) << "pace";
  }

  Random random_;
  std::array<Money, 3> limits_;
  BudgetOptions options_;
  Budget budget_;
  Date now_ = kNoon;
  Budget::ReservationId last_ = 0;
  std::vector<Call> open_;
  std::array<std::map<long, Money>, 3> bill_;
  std::set<std::pair<std::size_t, long>> alerts_;
};

TEST(BudgetChecker, TheBillNeverExceedsALimit) {
  check_seeds([](std::uint64_t seed) { World(seed).run(kCheckedEvents / kSeeds); });
}

}  // namespace
}  // namespace vecmill::policy
