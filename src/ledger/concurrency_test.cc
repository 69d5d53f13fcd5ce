#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <random>
#include <set>
#include <thread>

#include "vecmill/ledger/ledger.h"
#include "vecmill/ledger/testing.h"

namespace vecmill::ledger {
namespace {

bool is_deep() { return std::getenv("VECMILL_TEST_DEEP") != nullptr; }

std::uint64_t first_seed() {
  const char* text = std::getenv("VECMILL_TEST_SEED");
  return text != nullptr ? static_cast<std::uint64_t>(std::atoi(text)) * 1'000'000 : 1'000'000;
}

const std::vector<Budget>& budgets() {
  static const std::vector<Budget> all = [] {
    Budget tenant = day_budget(300), user = month_budget(500);
    tenant.tenant = "*";
    user.tag = {"user", "1"};
    return std::vector<Budget>{run_budget(900), day_budget(700), month_budget(2'000), tenant, user};
  }();
  return all;
}

Call random_call(std::mt19937_64& random) {
  Call call = call_of(random() % 60);
  call.run = "run " + std::to_string(random() % 3);
  if (random() % 2 == 0) call.tenant = "tenant " + std::to_string(random() % 2);
  if (random() % 2 == 0) call.tags["user"] = std::to_string(random() % 2);
  if (random() % 16 == 0) call.provider = "local";
  return call;
}

/// Begins and ends calls at random; none is billed more than was reserved for it.
void spend(Ledger& ledger, std::uint64_t seed, int events, Date from) {
  std::mt19937_64 random(seed);
  std::vector<std::pair<CallId, std::uint64_t>> calls;
  for (int i = 0; i < events; ++i) {
    const Date now = from + std::chrono::hours(random() % 72);
    if (random() % 2 == 0 || calls.empty()) {
      const Call call = random_call(random);
      const auto answer = ledger.intent(call, now);
      ASSERT_TRUE(answer) << answer.error().to_string();
      if (call.provider == "local") {
        ASSERT_EQ(answer->verdict, Verdict::kGranted);
      }
      if (answer->verdict == Verdict::kGranted) calls.emplace_back(answer->call, call.most_tokens);
      continue;
    }
    const auto [id, most] = calls[random() % calls.size()];
    const std::uint64_t tokens = most == 0 ? 0 : id * 7919 % (most + 1);
    const Bill bill = random() % 3 == 0 ? Bill::kUnknown
                      : id % 4 == 0     ? Bill::kNotBilled
                                        : Bill::kBilled;
    ASSERT_TRUE(ledger.settle(id, {bill, tokens}));
  }
}

class ConcurrencyTest : public EveryLedger {
 protected:
  /// From the calls alone, by arithmetic of its own: no window of any budget is over its limit.
  void expect_no_budget_over() const {
    std::map<std::tuple<std::size_t, std::string, std::string>, Money> windows;
    std::set<CallId> ids;
    for (const Entry& e : entries()) {
      EXPECT_TRUE(ids.insert(e.id).second);
      const std::string date = format_day(std::chrono::floor<std::chrono::days>(e.made));
      windows[{0, e.call.run, ""}] += e.counted();
      windows[{1, "", date}] += e.counted();
      windows[{2, "", date.substr(0, 7)}] += e.counted();
      if (!e.call.tenant.empty()) windows[{3, e.call.tenant, date}] += e.counted();
      if (e.call.tags.contains("user") && e.call.tags.at("user") == "1")
        windows[{4, "", date.substr(0, 7)}] += e.counted();
    }
    EXPECT_GT(ids.size(), 20U);
    for (const auto& [window, sum] : windows) {
      EXPECT_LE(sum, budgets()[std::get<0>(window)].limit.limit)
          << std::get<0>(window) << " " << std::get<1>(window) << " " << std::get<2>(window);
    }
    expect_totals_to_add_up();
  }

  /// Runs `work(n)` in `count` processes at once.
  template <class Work>
  void in_processes(int count, Work work) const {
    std::vector<pid_t> children;
    for (int n = 0; n < count; ++n) {
      const pid_t child = ::fork();
      if (child == 0) {
        work(n);
        ::_exit(testing::Test::HasFailure() ? 1 : 0);
      }
      children.push_back(child);
    }
    for (const pid_t child : children) {
      int status = 0;
      ASSERT_EQ(::waitpid(child, &status, 0), child);
      EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
  }
};

VECMILL_EVERY_LEDGER(ConcurrencyTest);

TEST_P(ConcurrencyTest, NoOrderOfEventsGoesOverABudget) {
  for (std::uint64_t seed = 0; seed < (is_deep() ? (is_file() ? 200 : 10) : 4); ++seed) {
    begin_anew();
    spend(*open(budgets()), first_seed() + seed, is_deep() ? 5'000 : 800, kNoon);
    expect_no_budget_over();
    if (HasFailure()) FAIL() << "seed " << first_seed() + seed;
  }
}

TEST_P(ConcurrencyTest, ThreadsWithOneLedger) {
  const auto ledger = open(budgets());
  std::vector<std::thread> threads;
  for (std::uint64_t n = 0; n < 4; ++n) {
    threads.emplace_back([&, n] { spend(*ledger, first_seed() + n, 200, kNoon); });
  }
  for (std::thread& thread : threads) thread.join();
  expect_no_budget_over();
}

TEST_P(ConcurrencyTest, SeveralProcessesThatAlsoMakeTheFile) {
  in_processes(4, [&](int n) {
    const auto ledger = open(budgets());
    if (ledger) spend(*ledger, first_seed() + static_cast<std::uint64_t>(n), 150, kNoon);
  });
  expect_no_budget_over();
}

TEST_P(ConcurrencyTest, TheLastOfABudgetIsGivenOnce) {
  for (int round = 0; round < 10; ++round) {
    Call call = call_of(60);
    call.run = "round " + std::to_string(round);
    in_processes(3, [&](int) {
      const auto ledger = open({run_budget(100)});
      EXPECT_TRUE(ledger && ledger->intent(call, kNoon));
    });
  }
  EXPECT_EQ(entries().size(), 10U);
}

}  // namespace
}  // namespace vecmill::ledger
