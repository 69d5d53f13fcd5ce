#include "vecmill/ledger/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "vecmill/ledger/alert_text.h"
#include "vecmill/ledger/testing.h"

namespace vecmill::ledger {
namespace {

using std::chrono::days;
using std::chrono::hours;

class ReportTest : public LedgerFolder {
 protected:
  /// One billed call of `texts` texts; 0 tokens: not billed.
  void spend(Date date, std::uint64_t tokens, const std::string& tenant = "", Tags tags = {},
             std::size_t texts = 1) {
    Call call = call_of(tokens);
    call.tenant = tenant;
    call.tags = std::move(tags);
    call.texts.resize(texts);
    const CallId id = ledger_->intent(call, date)->call;
    const Bill bill = tokens == 0 ? Bill::kNotBilled : Bill::kBilled;
    ASSERT_TRUE(ledger_->settle(id, {bill, tokens}));
  }

  [[nodiscard]] std::string csv(const std::vector<std::string>& by, Date from = Date::min(),
                                Date to = Date::max()) const {
    const auto log = open_call_log(place_);
    return to_csv(make_report(**log, {from, to, by}).value());
  }

  [[nodiscard]] Projection project(Date now) const {
    return project_month(**open_call_log(place_), now).value();
  }

  std::unique_ptr<Ledger> ledger_ = open();
};

constexpr const char* kHead = ",calls,texts,tokens,cost_usd,held_usd,estimated_usd\r\n";

TEST_F(ReportTest, ByTime) {
  spend(day("2026-11-29") + hours(23), 10);  // a Sunday
  spend(day("2026-11-30"), 20, "", {}, 3);
  spend(day("2026-11-30") + hours(1), 0);
  spend(day("2026-12-01"), 30);  // twice the price
  ASSERT_TRUE(ledger_->intent(call_of(5), day("2026-12-01")));
  EXPECT_EQ(csv({"day"}), std::string("day") + kHead +
                              "2026-11-29,1,1,10,0.00001,0.00,0.00\r\n"
                              "2026-11-30,2,3,20,0.00002,0.00,0.00\r\n"
                              "2026-12-01,2,1,30,0.00006,0.00001,0.00\r\n");
  EXPECT_EQ(csv({"week"}), std::string("week") + kHead +
                               "2026-W48,1,1,10,0.00001,0.00,0.00\r\n"
                               "2026-W49,4,4,50,0.00008,0.00001,0.00\r\n");
  EXPECT_EQ(csv({"month"}), std::string("month") + kHead +
                                "2026-11,3,4,30,0.00003,0.00,0.00\r\n"
                                "2026-12,2,1,30,0.00006,0.00001,0.00\r\n");
  EXPECT_EQ(csv({"month"}, day("2026-11-30"), day("2026-12-01")),
            std::string("month") + kHead + "2026-11,2,3,20,0.00002,0.00,0.00\r\n");
}

TEST_F(ReportTest, WeeksAtTheEndsOfYears) {
  for (const auto& [date, week] :
       std::vector<std::pair<const char*, const char*>>{{"2026-12-31", "2026-W53"},
                                                        {"2027-01-03", "2026-W53"},
                                                        {"2027-01-04", "2027-W01"},
                                                        {"2029-12-31", "2030-W01"}}) {
    spend(day(date), 1);
    EXPECT_THAT(csv({"week"}, day(date), day(date) + days(1)), testing::HasSubstr(week)) << date;
  }
}

TEST_F(ReportTest, ByWhoAndWhat) {
  spend(kNoon, 1, "b", {{"project", "web"}, {"k", "1"}});
  spend(kNoon, 2, "a", {{"project", "say \"hi\", you"}});
  spend(kNoon, 4, "b", {{"project", "web"}, {"category", "code"}});
  spend(kNoon, 8);
  EXPECT_EQ(csv({"tenant", "project"}), std::string("tenant,project") + kHead +
                                            ",,1,1,8,0.000008,0.00,0.00\r\n"
                                            "a,\"say \"\"hi\"\", you\",1,1,2,0.000002,0.00,0.00\r\n"
                                            "b,web,2,2,5,0.000005,0.00,0.00\r\n");
  EXPECT_EQ(csv({"category"}), std::string("category") + kHead +
                                   ",3,3,11,0.000011,0.00,0.00\r\n"
                                   "code,1,1,4,0.000004,0.00,0.00\r\n");
  EXPECT_EQ(csv({"provider", "model", "run"}), std::string("provider,model,run") + kHead +
                                                   "paid,paid:m,r,4,4,15,0.000015,0.00,0.00\r\n");
  EXPECT_EQ(csv({"tag:k"}, kNoon), std::string("tag:k") + kHead +
                                       ",3,3,14,0.000014,0.00,0.00\r\n"
                                       "1,1,1,1,0.000001,0.00,0.00\r\n");
  EXPECT_THAT(csv({"tag"}), testing::HasSubstr("category=code project=web,1,1,4"));
  for (const char* name : {"", "tag:", "colour", "Day"}) {
    const auto report = make_report(**open_call_log(place_), {.by = {name}});
    ASSERT_FALSE(report) << name;
    EXPECT_EQ(report.error().kind, ErrorKind::kInvalidArgument);
  }
}

TEST_F(ReportTest, WhatIsEstimatedStandsBesideWhatIsBilled) {
  spend(kNoon, 3);
  Call call = call_of(9);
  call.texts.resize(2);
  ASSERT_TRUE(ledger_->settle(ledger_->intent(call, kNoon)->call, {Bill::kEstimated, 4}));
  EXPECT_EQ(csv({"day"}),
            std::string("day") + kHead + "2026-11-30,2,3,7,0.000007,0.00,0.000004\r\n");
}

TEST_F(ReportTest, AsJson) {
  spend(kNoon, 3, "a \"b\"");
  spend(kNoon, 4, "c");
  const auto report = make_report(**open_call_log(place_), {.by = {"tenant"}});
  EXPECT_EQ(to_json(*report, {"2026-11", 7'000, 9'000, "a guess"}),
            "{\"rows\":[{\"tenant\":\"a \\\"b\\\"\",\"calls\":1,\"texts\":1,\"tokens\":3,"
            "\"cost_usd\":0.000003,\"held_usd\":0.00,\"estimated_usd\":0.00},"
            "{\"tenant\":\"c\",\"calls\":1,\"texts\":1,\"tokens\":4,"
            "\"cost_usd\":0.000004,\"held_usd\":0.00,\"estimated_usd\":0.00}],"
            "\"total\":{\"calls\":2,\"texts\":2,\"tokens\":7,"
            "\"cost_usd\":0.000007,\"held_usd\":0.00,\"estimated_usd\":0.00},"
            "\"month\":{\"month\":\"2026-11\",\"so_far_usd\":0.000007,"
            "\"projected_usd\":0.000009,\"method\":\"a guess\"}}\n");
}

TEST_F(ReportTest, TheMonthIsProjectedFromTheLastDays) {
  EXPECT_EQ(project(kNoon).projected, 0U);
  spend(day("2026-11-10"), 1'000);  // before the last week
  spend(day("2026-11-20"), 700);
  const Projection p = project(day("2026-11-21"));
  EXPECT_EQ(p.month, "2026-11");
  EXPECT_EQ(p.so_far, 1'700 * kToken);
  EXPECT_EQ(p.projected, (1'700 + 10 * 700) * kToken) << "one day of data, ten days left";
  EXPECT_EQ(p.method,
            "what was spent this month, and the rate of the last day until the month ends");
  spend(day("2026-11-14") + hours(12), 700);
  const Projection week = project(day("2026-11-21"));
  EXPECT_EQ(week.projected, (2'400 + 10 * 200) * kToken) << "1,400 in seven days";
  EXPECT_THAT(week.method, testing::HasSubstr("last 7 days"));
  EXPECT_EQ(project(day("2026-11-21") + hours(12)).projected, (2'400 + 1'900) * kToken)
      << "a call of just a week ago, 9.5 days left";
}

TEST_F(ReportTest, Alerts) {
  Budget budget = day_budget(100);
  budget.tenant = "*";
  Alert alert{Alert::Level::kNear, budget, "tenant:acme", day("2026-11-30"), 80 * kToken};
  EXPECT_EQ(alert_line(alert),
            "the budget of 0.0001 dollars a day of tenant * (tenant:acme) on 2026-11-30 is nearly "
            "used up: 0.00008 dollars are spent or reserved");
  alert = {Alert::Level::kStopped, month_budget(100), "all", day("2026-11-01"), 99 * kToken};
  EXPECT_EQ(alert_payload(alert),
            "{\"text\":\"the budget of 0.0001 dollars a month on 2026-11 stopped a call: "
            "0.000099 dollars are spent or reserved\",\"alert\":\"budget_stopped\","
            "\"scope\":\"all\",\"window\":\"2026-11\",\"used_usd\":0.000099,"
            "\"limit_usd\":0.0001}");
  alert = {Alert::Level::kStopped, run_budget(100), "run:r", Date::min(), 0};
  EXPECT_EQ(alert_line(alert),
            "the budget of 0.0001 dollars a run (run:r) stopped a call: 0.00 "
            "dollars are spent or reserved");
}

}  // namespace
}  // namespace vecmill::ledger
