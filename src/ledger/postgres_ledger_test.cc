#include "vecmill/ledger/postgres_ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "vecmill/ledger/testing.h"

namespace vecmill::ledger {
namespace {

using testing::HasSubstr;

class PostgresLedgerTest : public EveryLedger {};
INSTANTIATE_TEST_SUITE_P(, PostgresLedgerTest, testing::Values(Kept::kPostgres),
                         [](const auto&) { return std::string("postgres"); });

TEST_P(PostgresLedgerTest, AServerThatGoesAwayIsWaitedFor) {
  const auto ledger = open({run_budget(100)});
  const CallId id = ledger->intent(call_of(60), kNoon)->call;
  server_->kill();
  std::thread settling([&] { EXPECT_TRUE(ledger->settle(id, {Bill::kBilled, 50})); });
  server_->start();
  settling.join();
  EXPECT_EQ(ledger->intent(call_of(51), kNoon)->verdict, Verdict::kStopped);
  EXPECT_EQ(ledger->intent(call_of(50), kNoon)->verdict, Verdict::kGranted);
  expect_totals_to_add_up();
}

/// As after a connection that broke before the answer came.
TEST_P(PostgresLedgerTest, TheSameRequestIsEnteredOnce) {
  const auto ledger = open();
  const std::string again =
      "SELECT first_id, used FROM @vecmill_ledger_enter('a request', 1, '{paid}', '{m}', '{\"\"}',"
      " '{r}', '{\"{}\"}', '{1}', '{f}', '{1}', '{5}', '{7}', ARRAY[''::bytea], '{0}', '{all}',"
      " '{all}', '{0}', '{9}', '{100}')";
  const auto first = run(again), second = run(again);
  EXPECT_EQ(first.at(0, 0), "1");
  EXPECT_EQ(first.at(0, 1), "0");
  EXPECT_EQ(second.at(0, 0), "1");
  EXPECT_TRUE(second.is_null(0, 1));
  EXPECT_EQ(entries().size(), 1U);
  EXPECT_EQ(totals().at(0).held, 7U);
}

TEST_P(PostgresLedgerTest, WhatIsOpenForAnHourIsUnknown) {
  const auto ledger = open();
  const CallId old = ledger->intent(call_of(1), kNoon)->call;
  run("UPDATE @vecmill_ledger_calls SET entered = entered - interval '61 minutes'");
  ASSERT_TRUE(ledger->intent(call_of(1), kNoon));
  ASSERT_TRUE(ledger->recover());
  EXPECT_EQ(entries()[0].bill, Bill::kUnknown);
  EXPECT_EQ(entries()[1].bill, Bill::kOpen);
  EXPECT_TRUE(ledger->settle(old, {Bill::kBilled, 1}).value()) << "its end may yet be known";
  expect_totals_to_add_up();
}

TEST_P(PostgresLedgerTest, ALongListIsReadInParts) {
  const auto ledger = open();
  ASSERT_TRUE(ledger->intent(call_of(1), kNoon));
  run("INSERT INTO @vecmill_ledger_calls SELECT n, request, entered, made + n / 3, state, provider,"
      " model, tenant, run, tags, scopes, dims, urgent, texts, price, reserved, tokens, cost, uses"
      " FROM @vecmill_ledger_calls, generate_series(2, 12000) n");
  std::vector<CallId> ids;
  const auto log = open_call_log(place_);
  ASSERT_TRUE((*log)->for_each({}, [&](const Entry& entry) { ids.push_back(entry.id); }));
  ASSERT_EQ(ids.size(), 12'000U);
  EXPECT_TRUE(std::ranges::is_sorted(ids));
  std::size_t some = 0;
  const auto count = [&](const Entry&) { ++some; };
  ASSERT_TRUE(
      (*log)->for_each({kNoon + std::chrono::seconds(1), kNoon + std::chrono::seconds(3)}, count));
  EXPECT_EQ(some, 6U);
}

TEST_P(PostgresLedgerTest, WhatCannotBeOneIsRefused) {
  const auto none = open_call_log(place_);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, ErrorKind::kNotFound);
  const auto nobody = open_ledger(
      {.place = "postgres://test@/none?" + place_.substr(place_.find("host=")), .create = false});
  ASSERT_FALSE(nobody) << "a slip in the name is not: nothing was spent";
  EXPECT_EQ(nobody.error().kind, ErrorKind::kNotFound);
  open().reset();
  run("UPDATE @vecmill_ledger SET version = 2");
  EXPECT_EQ(open_ledger({place_}).error().kind, ErrorKind::kUnsupported);
  run("UPDATE @vecmill_ledger SET version = 1");
  const auto blind =
      open_ledger({place_ + "&options=-c%20default_transaction_isolation%3Dserializable"});
  ASSERT_FALSE(blind);
  EXPECT_THAT(blind.error().to_string(), HasSubstr("default_transaction_isolation"));
}

}  // namespace
}  // namespace vecmill::ledger
