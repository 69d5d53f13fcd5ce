#include <gtest/gtest.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <random>
#include <sstream>

#include "vecmill/base/failpoint.h"
#include "vecmill/ledger/ledger.h"
#include "vecmill/ledger/testing.h"

namespace vecmill::ledger {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFolder = "VECMILL_LEDGER_TEST_FOLDER";
constexpr const char* kPlace = "VECMILL_LEDGER_TEST_PLACE";
constexpr std::uint64_t kLimit = 500, kMost = 60;  ///< tokens
constexpr int kCalls = 12;

bool is_deep() { return std::getenv("VECMILL_TEST_DEEP") != nullptr; }

std::uint64_t billed_for(CallId id) { return 20 + id * 7 % 41; }

/// A provider that keeps a bill of its own: a line for each request it took.
void take_request(const fs::path& folder, CallId id) {
  std::ofstream bill(folder / "bill", std::ios::app);
  bill << id << ' ' << billed_for(id) << '\n';
}

std::map<CallId, std::uint64_t> bill_in(const fs::path& folder) {
  std::ifstream file(folder / "bill");
  std::map<CallId, std::uint64_t> bill;
  CallId id = 0;
  std::uint64_t tokens = 0;
  while (file >> id >> tokens) EXPECT_TRUE(bill.emplace(id, tokens).second) << "billed twice";
  return bill;
}

/// Calls until the budget stops it; every third call is refused by the provider. Writes a byte to
/// `tell` after each call.
void make_calls(const fs::path& folder, const std::string& place, int tell = -1) {
  auto ledger = open_ledger({place, test_prices(), {run_budget(kLimit)}});
  ASSERT_TRUE(ledger) << ledger.error().to_string();
  for (int n = 0; n < kCalls; ++n) {
    const auto answer = (*ledger)->intent(call_of(kMost), kNoon);
    ASSERT_TRUE(answer);
    if (answer->verdict != Verdict::kGranted) return;
    failpoint("test.send");
    const bool is_billed = answer->call % 3 != 0;
    if (is_billed) take_request(folder, answer->call);
    failpoint("test.sent");
    const Settlement settlement{is_billed ? Bill::kBilled : Bill::kNotBilled,
                                is_billed ? billed_for(answer->call) : 0};
    ASSERT_TRUE((*ledger)->settle(answer->call, settlement));
    if (tell >= 0 && ::write(tell, "!", 1) != 1) return;
  }
}

/// What a child does that a failpoint kills.
TEST(LedgerCrashChild, DISABLED_Calls) { make_calls(std::getenv(kFolder), std::getenv(kPlace)); }

class CrashTest : public EveryLedger {
 protected:
  int run_child(const std::string& failpoint) const {
    const std::string command =
        "VECMILL_FAILPOINT=" + failpoint + " " + kFolder + "=" + folder_.string() + " " + kPlace +
        "='" + place_ + "' /proc/" + std::to_string(getpid()) +
        "/exe --gtest_also_run_disabled_tests --gtest_filter=LedgerCrashChild.* > /dev/null";
    return WEXITSTATUS(std::system(command.c_str()));
  }

  /// Ledger and bill agree: each settled call to the token, each one on the bill is in the ledger
  /// with at least its cost, and all of it is within the budget.
  void expect_ledger_to_cover_the_bill(const std::string& when) const {
    const auto bill = bill_in(folder_);
    std::map<CallId, Entry> calls;
    Money counted = 0;
    for (const Entry& entry : entries()) {
      calls.emplace(entry.id, entry);
      counted += entry.counted();
      EXPECT_NE(entry.bill, Bill::kOpen) << when;
      const bool is_on_bill = bill.contains(entry.id);
      if (entry.bill == Bill::kBilled) {
        EXPECT_TRUE(is_on_bill && entry.tokens == bill.at(entry.id)) << when;
      }
      if (entry.bill == Bill::kNotBilled) {
        EXPECT_FALSE(is_on_bill) << when;
      }
    }
    for (const auto& [id, tokens] : bill) {
      ASSERT_TRUE(calls.contains(id)) << when;
      EXPECT_GE(calls.at(id).counted(), tokens * kToken) << when;
    }
    EXPECT_LE(counted, kLimit * kToken) << when;
    expect_totals_to_add_up();
  }

  /// Hours pass, after which nobody can still be at work on what is open.
  void let_time_pass() const {
    if (is_file()) return;  // there the death of its process ends a call
    // An idle session, too, may have a statement of the killed process before it.
    while (!run("SELECT 1 FROM pg_stat_activity WHERE application_name = 'vecmill'"
                " AND pid <> pg_backend_pid()")
                .empty()) {
    }
    // All may have been killed before there were tables.
    if (run("SELECT 1 WHERE to_regclass('@vecmill_ledger_calls') IS NOT NULL").empty()) return;
    run("UPDATE @vecmill_ledger_calls SET entered = entered - interval '2 hours'");
  }

  /// Somebody looks at the provider's bill and settles what is unknown.
  void resolve() const {
    const auto ledger = open({run_budget(kLimit)});
    const auto bill = bill_in(folder_);
    Money cost = 0;
    for (const Entry& entry : entries()) {
      if (entry.bill != Bill::kUnknown) continue;
      const bool is_on_bill = bill.contains(entry.id);
      ASSERT_TRUE(ledger->settle(entry.id, {is_on_bill ? Bill::kBilled : Bill::kNotBilled,
                                            is_on_bill ? bill.at(entry.id) : 0}));
    }
    for (const auto& [id, tokens] : bill) cost += tokens * kToken;
    EXPECT_EQ(ledger->used(run_budget(kLimit), "r", kNoon).value(), cost) << "to the token";
  }
};

VECMILL_EVERY_LEDGER(CrashTest);

TEST_P(CrashTest, AKillBetweenAnyTwoEffectsLosesNothingAndCountsNothingTwice) {
  for (const char* name : {"ledger.intent", "ledger.intended", "test.send", "test.sent",
                           "ledger.settle", "ledger.settled"}) {
    for (const int pass : {1, 3, 5}) {
      begin_anew();
      const std::string when = std::string(name) + ":" + std::to_string(pass);
      ASSERT_EQ(run_child(when), 137) << when;
      let_time_pass();
      make_calls(folder_, place_);  // the run goes on, and recovers first
      expect_ledger_to_cover_the_bill(when);
      resolve();
    }
  }
}

TEST_P(CrashTest, WhatAKilledProcessLeftOpenCountsInFull) {
  ASSERT_EQ(run_child("test.send:1"), 137);
  const auto before = entries();
  ASSERT_EQ(before.size(), 1U);
  EXPECT_EQ(before[0].bill, Bill::kOpen) << "nobody has looked yet";
  let_time_pass();
  const auto ledger = open({run_budget(100)});
  EXPECT_EQ(entries()[0].bill, Bill::kUnknown);
  EXPECT_EQ(ledger->intent(call_of(41), kNoon)->verdict, Verdict::kStopped);
  EXPECT_EQ(ledger->intent(call_of(40), kNoon)->verdict, Verdict::kGranted);
}

TEST_P(CrashTest, WhatALivingProcessHasOpenIsLeftAlone) {
  const auto ledger = open();
  const CallId id = ledger->intent(call_of(1), kNoon)->call;
  const auto other = open();
  ASSERT_TRUE(other->recover());
  EXPECT_EQ(entries()[0].bill, Bill::kOpen);
  EXPECT_TRUE(ledger->settle(id, {Bill::kBilled, 1}).value());
}

TEST_P(CrashTest, KillsAtAnyMoment) {
  std::mt19937 random(1);
  for (int round = 0; round < (is_deep() ? (is_file() ? 300 : 60) : 5); ++round) {
    begin_anew();
    for (int n = 0; n < 3; ++n) {
      int ends[2];
      ASSERT_EQ(::pipe(ends), 0);
      const pid_t child = ::fork();
      if (child == 0) {
        make_calls(folder_, place_, ends[1]);
        ::_exit(0);
      }
      ::close(ends[1]);
      char byte = 0;
      for (auto calls = random() % 4; calls > 0 && ::read(ends[0], &byte, 1) == 1;) --calls;
      ::kill(child, SIGKILL);
      ::waitpid(child, nullptr, 0);
      ::close(ends[0]);
    }
    let_time_pass();
    open().reset();
    expect_ledger_to_cover_the_bill("round " + std::to_string(round));
  }
}

}  // namespace
}  // namespace vecmill::ledger
