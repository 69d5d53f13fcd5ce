#include "vecmill/ledger/ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "vecmill/ledger/testing.h"

namespace vecmill::ledger {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using testing::HasSubstr;

class LedgerTest : public EveryLedger {};
VECMILL_EVERY_LEDGER(LedgerTest);

CallId granted(Ledger& ledger, const Call& call, Date now = kNoon) {
  const auto answer = ledger.intent(call, now);
  EXPECT_TRUE(answer) << answer.error().to_string();
  EXPECT_EQ(answer->verdict, Verdict::kGranted);
  return answer->call;
}

Verdict verdict(Ledger& ledger, const Call& call, Date now = kNoon) {
  return ledger.intent(call, now).value().verdict;
}

TEST_P(LedgerTest, ACallIsEnteredAndSettled) {
  const auto ledger = open();
  Call call{.provider = "paid", .model = "m", .tenant = "acme", .run = "r1"};
  call.tags = {{"project", "web \"2\""}, {"user", "ünal"}};
  call.dims = 256;
  call.urgent = true;
  call.texts = {{~0ULL, 30}, {7, 12}};
  call.most_tokens = 50;
  const CallId id = granted(*ledger, call);
  Entry open_entry = entries(true).at(0);
  EXPECT_EQ(open_entry.bill, Bill::kOpen);
  EXPECT_EQ(open_entry.counted(), 50 * kToken);
  EXPECT_TRUE(ledger->settle(id, {Bill::kBilled, 44}).value());
  const Entry entry = entries(true).at(0);
  EXPECT_EQ(entry.id, id);
  EXPECT_EQ(entry.made, kNoon);
  EXPECT_EQ(entry.bill, Bill::kBilled);
  EXPECT_EQ(entry.call.tenant, "acme");
  EXPECT_EQ(entry.call.run, "r1");
  EXPECT_EQ(entry.call.tags, call.tags);
  EXPECT_EQ(entry.call.dims, 256U);
  EXPECT_TRUE(entry.call.urgent);
  ASSERT_EQ(entry.call.texts.size(), 2U);
  EXPECT_EQ(entry.call.texts[0].key, ~0ULL);
  EXPECT_EQ(entry.call.texts[1].tokens, 12U);
  EXPECT_EQ(entry.texts, 2U);
  EXPECT_EQ(entry.price, 1'000'000'000U);
  EXPECT_EQ(entry.reserved, 50 * kToken);
  EXPECT_EQ(entry.tokens, 44U);
  EXPECT_EQ(entry.cost, 44 * kToken);
  expect_totals_to_add_up();
}

TEST_P(LedgerTest, ThePriceIsThatOfTheDayOfTheCall) {
  const auto ledger = open();
  const CallId before = granted(*ledger, call_of(10), kTomorrow - seconds(1));
  const CallId after = granted(*ledger, call_of(10), kTomorrow);
  EXPECT_TRUE(ledger->settle(before, {Bill::kBilled, 10}).value()) << "after the price changed";
  EXPECT_TRUE(ledger->settle(after, {Bill::kBilled, 10}).value());
  EXPECT_EQ(entries()[0].cost, 10 * kToken);
  EXPECT_EQ(entries()[1].cost, 20 * kToken);
}

TEST_P(LedgerTest, WithoutAPriceNothingIsSent) {
  const auto ledger = open();
  Call call = call_of(1);
  call.model = "unheard of";
  const auto answer = ledger->intent(call, kNoon);
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer.error().to_string(), HasSubstr("paid:unheard of: no price is known"));
  EXPECT_TRUE(entries().empty());
}

TEST_P(LedgerTest, SettlingAgainChangesNothing) {
  struct Case {
    Settlement first, again;
    std::optional<bool> changes;  // nullopt: an error
    Money counted;
  };
  const auto ledger = open();
  const Settlement billed{Bill::kBilled, 40}, more{Bill::kBilled, 41}, not_billed{Bill::kNotBilled};
  const Settlement unknown{Bill::kUnknown};
  for (const Case& c : {Case{billed, billed, false, 40}, Case{billed, more, {}, 40},
                        Case{billed, not_billed, {}, 40}, Case{billed, unknown, false, 40},
                        Case{not_billed, not_billed, false, 0}, Case{not_billed, billed, {}, 0},
                        Case{not_billed, unknown, false, 0}, Case{unknown, unknown, false, 50},
                        Case{unknown, billed, true, 40}, Case{unknown, not_billed, true, 0}}) {
    const CallId id = granted(*ledger, call_of(50));
    ASSERT_TRUE(ledger->settle(id, c.first).value());
    const auto again = ledger->settle(id, c.again);
    EXPECT_EQ(again ? std::optional(*again) : std::nullopt, c.changes) << id;
    if (!again) {
      EXPECT_EQ(again.error().kind, ErrorKind::kMismatch);
    }
    EXPECT_EQ(entries().at(id - 1).counted(), c.counted * kToken) << id;
  }
  expect_totals_to_add_up();
  EXPECT_EQ(ledger->settle(99, billed).error().kind, ErrorKind::kNotFound);
  const CallId id = granted(*ledger, call_of(50));
  EXPECT_EQ(ledger->settle(id, {Bill::kBilled, kMaxTokens + 1}).error().kind,
            ErrorKind::kInvalidData);
  EXPECT_EQ(entries().back().bill, Bill::kOpen);
}

TEST_P(LedgerTest, AHardStopHolds) {
  const auto ledger = open({run_budget(100)});
  const CallId first = granted(*ledger, call_of(60));
  const Answer refused = ledger->intent(call_of(41), kNoon).value();
  EXPECT_EQ(refused.verdict, Verdict::kStopped);
  EXPECT_EQ(refused.ask_again, Date::max());
  EXPECT_EQ(refused.call, 0U);
  EXPECT_EQ(entries().size(), 1U) << "a refusal enters nothing";
  EXPECT_TRUE(ledger->settle(first, {Bill::kBilled, 10}));
  granted(*ledger, call_of(90));
  EXPECT_EQ(verdict(*ledger, call_of(1)), Verdict::kStopped);
  const Error error = refusal(refused, {run_budget(100)}, kNoon);
  EXPECT_EQ(error.kind, ErrorKind::kLimited);
  EXPECT_EQ(error.retry_after, std::nullopt);
  EXPECT_EQ(error.to_string(),
            "the budget of 0.0001 dollars a run: has no room for the call; "
            "raise the budget, or use a local model, which is free");
  for (const char* run : {"another", ""}) {
    Call other = call_of(100);
    other.run = run;
    granted(*ledger, other);
    other.most_tokens = 1;
    EXPECT_EQ(verdict(*ledger, other), Verdict::kStopped) << run;
  }
}

TEST_P(LedgerTest, SumsThatAreTooGreatStopIt) {
  PriceBook book;
  ASSERT_TRUE(book.add("paid,m,2026-01-01,10000", "prices"));
  const auto ledger = std::move(*open_ledger({place_, book}));
  const Call call = call_of(kMaxTokens);  // ten million dollars
  for (int n = 0; n < 922; ++n) granted(*ledger, call);
  EXPECT_FALSE(ledger->intent(call, kNoon));
  EXPECT_EQ(entries().size(), 922U);
  EXPECT_EQ(ledger->used(run_budget(1), "r", kNoon).value(), 9'220'000'000'000'000'000U);
}

TEST_P(LedgerTest, WhatIsFreeIsNeverHeldUp) {
  const auto ledger = open({run_budget(1), day_budget(1), month_budget(1)});
  granted(*ledger, call_of(1));
  EXPECT_EQ(verdict(*ledger, call_of(1)), Verdict::kStopped);
  Call local = call_of(1'000'000);
  local.provider = "local";
  const CallId id = granted(*ledger, local);
  EXPECT_TRUE(ledger->settle(id, {Bill::kBilled, 1'000'000}).value());
  EXPECT_EQ(entries().back().cost, 0U);
}

TEST_P(LedgerTest, ABudgetOfATenantOrATag) {
  Budget acme = day_budget(10), each = day_budget(20), web = day_budget(5), users = day_budget(7);
  acme.tenant = "acme";
  each.tenant = "*";
  web.tag = {"project", "web"};
  users.tag = {"user", "*"};
  const auto call = [](const char* tenant, Tags tags, std::uint64_t tokens) {
    Call c = call_of(tokens);
    c.tenant = tenant;
    c.tags = std::move(tags);
    return c;
  };
  const auto ledger = open({acme, each, web, users});
  for (const auto& [c, stopped_by] :
       std::vector<std::pair<Call, int>>{{call("acme", {}, 11), 0},
                                         {call("acme", {}, 10), -1},
                                         {call("acme", {}, 1), 0},
                                         {call("b", {}, 20), -1},
                                         {call("b", {}, 1), 1},
                                         {call("c", {{"project", "web"}}, 5), -1},
                                         {call("", {{"project", "web"}}, 1), 2},
                                         {call("", {{"project", "app"}}, 50), -1},
                                         {call("", {{"user", "x"}}, 7), -1},
                                         {call("", {{"user", "y"}}, 7), -1},
                                         {call("", {{"user", "y"}}, 1), 3},
                                         {call("", {}, 1'000), -1}}) {
    const Answer answer = ledger->intent(c, kNoon).value();
    EXPECT_EQ(answer.verdict == Verdict::kStopped ? static_cast<int>(answer.budget) : -1,
              stopped_by)
        << c.tenant << " " << tags_to_json(c.tags) << " " << c.most_tokens;
  }
  EXPECT_EQ(ledger->used(acme, "", kNoon).value(), 10 * kToken);
  EXPECT_EQ(ledger->used(web, "", kNoon).value(), 5 * kToken);
  EXPECT_EQ(ledger->used(day_budget(1), "", kNoon).value(), 1'099 * kToken);
  EXPECT_EQ(ledger->used(run_budget(1), "r", kNoon).value(), 1'099 * kToken);
  EXPECT_EQ(ledger->used(run_budget(1), "none", kNoon).value(), 0U);
  expect_totals_to_add_up();
}

TEST_P(LedgerTest, ACallCountsForTheDayAndMonthItWasEnteredIn) {
  const auto ledger = open({day_budget(100), month_budget(150)});
  const CallId early = granted(*ledger, call_of(90), kNoon - hours(24));
  const CallId late = granted(*ledger, call_of(60), kTomorrow - seconds(1));
  const Answer month = ledger->intent(call_of(1), kNoon).value();
  EXPECT_EQ(month.budget, 1U);
  EXPECT_EQ(month.ask_again, kTomorrow);
  EXPECT_EQ(ledger->used(day_budget(1), "", kTomorrow).value(), 0U);
  EXPECT_EQ(ledger->used(month_budget(1), "", kTomorrow).value(), 0U);
  EXPECT_TRUE(ledger->settle(late, {Bill::kBilled, 5}).value());
  EXPECT_TRUE(ledger->settle(early, {Bill::kNotBilled}).value());
  EXPECT_EQ(ledger->used(month_budget(1), "", kNoon).value(), 5 * kToken);
  EXPECT_EQ(ledger->used(day_budget(1), "", kTomorrow).value(), 0U);
  granted(*ledger, call_of(50), kTomorrow);
  EXPECT_EQ(verdict(*ledger, call_of(1), kTomorrow + hours(1)), Verdict::kStopped);
  EXPECT_EQ(verdict(*ledger, call_of(96), kNoon), Verdict::kStopped)
      << "a clock that is set back finds what was spent";
}

TEST_P(LedgerTest, ABudgetIsLetOutEvenly) {
  const auto ledger = open({day_budget(100)}, {.throttle_percent = 50});
  const Date morning = day("2026-11-30");
  granted(*ledger, call_of(50), morning);
  const Answer answer = ledger->intent(call_of(10), morning).value();
  EXPECT_EQ(answer.verdict, Verdict::kThrottled);
  EXPECT_EQ(answer.ask_again, morning + seconds(288 * 60));
  const Error error = refusal(answer, {day_budget(100)}, morning);
  EXPECT_EQ(error.kind, ErrorKind::kLimited);
  EXPECT_EQ(error.retry_after, seconds(288 * 60));
  granted(*ledger, call_of(10), answer.ask_again);
}

TEST_P(LedgerTest, AlertsOnceInAWindowWhoeverAsks) {
  const auto levels = [](const Answer& answer) {
    std::string text;
    for (const Alert& a : answer.alerts) text += a.level == Alert::Level::kNear ? "near " : "stop ";
    return text;
  };
  const auto ledger = open({day_budget(100), run_budget(1'000)});
  const auto other = open({day_budget(100), run_budget(1'000)});
  EXPECT_EQ(levels(ledger->intent(call_of(79), kNoon).value()), "");
  const Answer near = ledger->intent(call_of(1), kNoon).value();
  ASSERT_EQ(levels(near), "near ");
  EXPECT_EQ(near.alerts[0].used, 80 * kToken);
  EXPECT_EQ(near.alerts[0].scope, "all");
  EXPECT_EQ(near.alerts[0].start, day("2026-11-30"));
  EXPECT_EQ(levels(other->intent(call_of(1), kNoon).value()), "");
  EXPECT_EQ(levels(other->intent(call_of(20), kNoon).value()), "stop ");
  EXPECT_EQ(levels(ledger->intent(call_of(20), kNoon).value()), "");
  EXPECT_EQ(levels(ledger->intent(call_of(40), kTomorrow).value()), "near ");
}

TEST_P(LedgerTest, ABudgetOfZeroStopsWhatCosts) {
  const auto ledger = open({day_budget(0)});
  const Answer answer = ledger->intent(call_of(1), kNoon).value();
  EXPECT_EQ(answer.verdict, Verdict::kStopped);
  EXPECT_EQ(answer.ask_again, Date::max());
  EXPECT_EQ(refusal(answer, {day_budget(0)}, kNoon).to_string(),
            "the budget of 0.00 dollars a day: nothing may be spent; raise the budget, or use a "
            "local model, which is free");
  Call local = call_of(5);
  local.provider = "local";
  granted(*ledger, local);
}

TEST_P(LedgerTest, EachBudgetHasItsPace) {
  Budget even = day_budget(240), other = day_budget(240);
  even.tag = {"user", "ann"};
  even.pace = BudgetOptions{.alert_percent = 10, .throttle_percent = 0};
  other.tag = {"user", "bob"};
  const auto ledger = open({even, other});
  Call ann = call_of(120), bob = call_of(120);
  ann.tags = {{"user", "ann"}};
  bob.tags = {{"user", "bob"}};
  EXPECT_EQ(ledger->intent(ann, kNoon)->alerts.size(), 1U);  // half of it is let out by noon
  ann.most_tokens = 60;
  EXPECT_EQ(verdict(*ledger, ann), Verdict::kThrottled);
  EXPECT_EQ(ledger->intent(ann, kNoon)->ask_again, kNoon + hours(6));
  EXPECT_EQ(ledger->intent(bob, kNoon)->alerts.size(), 0U);
  EXPECT_EQ(verdict(*ledger, bob), Verdict::kGranted);
}

TEST_P(LedgerTest, CallsOfOneRequestAreEnteredTogether) {
  Budget ann = day_budget(10);
  ann.tag = {"user", "ann"};
  const auto ledger = open({ann, day_budget(100)});
  Call first = call_of(50), second = call_of(8);
  second.tags = {{"user", "ann"}};
  const Answer both = ledger->intent(std::vector{first, second}, kNoon).value();
  ASSERT_EQ(both.verdict, Verdict::kGranted);
  EXPECT_EQ(both.alerts.size(), 1U);  // ann's
  EXPECT_EQ(entries().size(), 2U);
  EXPECT_EQ(entries()[1].id, both.call + 1);
  second.most_tokens = 3;
  first.most_tokens = 30;  // near the end of the day's budget: told when it is let through
  const Answer none = ledger->intent(std::vector{first, second}, kNoon).value();
  EXPECT_EQ(none.verdict, Verdict::kStopped);
  EXPECT_EQ(none.budget, 0U);
  ASSERT_EQ(none.alerts.size(), 1U);
  EXPECT_EQ(none.alerts[0].level, Alert::Level::kStopped);
  EXPECT_EQ(entries().size(), 2U);
  EXPECT_EQ(ledger->intent(first, kNoon)->alerts.size(), 1U);
  const std::vector<Settlement> ends{{Bill::kBilled, 40}, {Bill::kNotBilled}};
  EXPECT_TRUE(ledger->settle(both.call, ends));
  EXPECT_EQ(entries()[0].tokens, 40U);
  EXPECT_EQ(entries()[1].bill, Bill::kNotBilled);
  EXPECT_FALSE(ledger->settle(both.call + 2, ends)) << "there is no fourth call";
  EXPECT_EQ(entries()[2].bill, Bill::kOpen);
  expect_totals_to_add_up();
}

TEST_P(LedgerTest, CallsOfOneRequestShareWhatIsLeft) {
  Budget web = day_budget(10);
  web.tag = {"project", "web"};
  const auto ledger = open({day_budget(100), web});
  Call tagged = call_of(6);
  tagged.tags = {{"project", "web"}};
  const Call other = call_of(60);
  const auto verdict_of = [&](const std::vector<Call>& calls) {
    return ledger->intent(calls, kNoon)->verdict;
  };
  EXPECT_EQ(verdict_of({other, call_of(41)}), Verdict::kStopped);
  EXPECT_EQ(verdict_of({tagged, other, tagged}), Verdict::kStopped) << "of the project's 10";
  EXPECT_TRUE(entries().empty());
  const Answer all = ledger->intent(std::vector{tagged, other, call_of(34)}, kNoon).value();
  EXPECT_EQ(all.verdict, Verdict::kGranted);
  ASSERT_EQ(all.alerts.size(), 1U);
  EXPECT_EQ(all.alerts[0].used, 100 * kToken);
  EXPECT_EQ(verdict_of({call_of(1)}), Verdict::kStopped);
  expect_totals_to_add_up();
}

TEST_P(LedgerTest, WhatCanBeSentInPartsIsNoAlert) {
  const auto ledger = open({day_budget(10)});
  Call call = call_of(20);
  call.texts = {{1, 10}, {2, 10}};
  EXPECT_TRUE(ledger->intent(call, kNoon)->alerts.empty());
  call.texts.pop_back();
  EXPECT_EQ(ledger->intent(call, kNoon)->alerts.size(), 1U);
}

TEST_P(LedgerTest, WhereThereIsNoneThereIsNothingToOpen) {
  const LedgerOptions options{.place = place_, .create = false};
  const auto none = open_ledger(options);
  ASSERT_TRUE(none) << none.error().to_string();
  EXPECT_EQ(none->get(), nullptr);
  EXPECT_EQ(open_call_log(place_).error().kind, ErrorKind::kNotFound);
  open().reset();
  EXPECT_NE(open_ledger(options)->get(), nullptr);
}

TEST_P(LedgerTest, WrongBudgetsAndCallsAreRefused) {
  Budget run_of_tenant = run_budget(1), both = day_budget(1);
  run_of_tenant.tenant = "t";
  both.tenant = "t";
  both.tag = {"k", "v"};
  for (const auto& [budget, text] : std::vector<std::pair<Budget, const char*>>{
           {run_of_tenant, "a run has one budget"}, {both, "has a tenant and a tag"}}) {
    const auto ledger = open_ledger({place_, test_prices(), {budget}});
    ASSERT_FALSE(ledger);
    EXPECT_EQ(ledger.error().kind, ErrorKind::kInvalidArgument);
    EXPECT_THAT(ledger.error().to_string(), HasSubstr(text));
  }
  const auto ledger = open();
  std::vector<Call> calls(5, call_of(1));
  calls[0].tags = {{"", "v"}};
  calls[1].tags = {{"a=b", "v"}};
  calls[2].tags = {{"a", "\xFF"}};
  calls[3].tenant = "\xFF";
  calls[4].most_tokens = kMaxTokens + 1;
  for (const Call& call : calls)
    EXPECT_EQ(ledger->intent(call, kNoon).error().kind, ErrorKind::kInvalidArgument);
  EXPECT_TRUE(entries().empty());
}

TEST_P(LedgerTest, WhatIsEstimatedIsSpentAndMarked) {
  const auto ledger = open({day_budget(100)});
  const CallId id = granted(*ledger, call_of(100));
  EXPECT_TRUE(ledger->settle(id, {Bill::kEstimated, 30}).value());
  EXPECT_FALSE(ledger->settle(id, {Bill::kEstimated, 30}).value());
  EXPECT_EQ(ledger->settle(id, {Bill::kBilled, 30}).error().kind, ErrorKind::kMismatch);
  const Entry entry = entries().at(0);
  EXPECT_EQ(entry.bill, Bill::kEstimated);
  EXPECT_EQ(entry.tokens, 30u);
  EXPECT_EQ(entry.counted(), 30 * kToken);
  EXPECT_EQ(ledger->used(day_budget(100), "r", kNoon).value(), 30 * kToken);
  expect_totals_to_add_up();
}

}  // namespace
}  // namespace vecmill::ledger
