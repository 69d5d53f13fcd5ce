#include "vecmill/engine/spending.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "vecmill/base/hmac.h"
#include "vecmill/estimate.h"
#include "vecmill/http/loopback_server.h"
#include "vecmill/ledger/call_log.h"

namespace vecmill::engine {
namespace {

namespace fs = std::filesystem;
using http::LoopbackServer;
using remote::Billed;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kModel = "voyage:m";  // a dollar for a million tokens; 0.000001 each

/// A home of its own for each test, and prices that are easy to reckon with.
class SpendingTest : public testing::Test {
 protected:
  SpendingTest() {
    fs::create_directories(folder_);
    ::setenv("VECMILL_HOME", home_.c_str(), 1);
    std::ofstream(folder_ / "prices.csv") << "voyage,m,2026-01-01,1,0.5,,256 512 1024\n";
    options_.price_file = (folder_ / "prices.csv").string();
    options_.alerts.tell = [this](const SpendAlert& alert) {
      const std::lock_guard lock(mutex_);
      told_.push_back(alert.line);
    };
  }
  ~SpendingTest() override {
    ::unsetenv("VECMILL_HOME");
    fs::remove_all(folder_);
  }

  std::shared_ptr<ModelSpending> open() {
    auto spending = ModelSpending::open(options_, kModel, 1024);
    EXPECT_TRUE(spending) << spending.error().to_string();
    return *spending;
  }

  /// Texts of 10 tokens each.
  static remote::Spending::Answer ask(ModelSpending& spending,
                                      const std::vector<std::string_view>& texts,
                                      Role role = Role::kDocument) {
    const std::vector<std::uint64_t> parts(texts.size(), 10);
    return spending.intend({texts, role, 10 * texts.size(), parts}).value();
  }

  static void pay(ModelSpending& spending, const std::vector<std::string_view>& texts) {
    const auto answer = ask(spending, texts);
    ASSERT_TRUE(answer.payment);
    spending.settle(*answer.payment, Billed::kYes, 10 * texts.size());
  }

  /// "keys: tokens cost held" of each row.
  std::vector<std::string> report(const std::vector<std::string>& by,
                                  const std::string& tenant = {}) {
    CostQuery query;
    query.by = by;
    query.tenant = tenant;
    std::vector<std::string> lines;
    const CostReport found = cost_report(query).value();
    for (const CostRow& row : found.rows) {
      lines.push_back(testing::PrintToString(row.keys) + " " + std::to_string(row.tokens) + " " +
                      row.cost + " " + row.held);
    }
    return lines;
  }

  std::vector<std::string> told() {
    const std::lock_guard lock(mutex_);
    return told_;
  }

  const fs::path folder_ =
      fs::temp_directory_path() / ("vecmill-spending-" + std::to_string(::getpid()));
  const fs::path home_ = folder_ / "home";
  SpendOptions options_;
  std::mutex mutex_;
  std::vector<std::string> told_;
};

std::vector<Record> records_of(const std::vector<std::pair<const char*, const char*>>& texts) {
  std::vector<Record> records;
  for (const auto& [text, metadata] : texts) records.push_back({text, text, metadata});
  return records;
}

TEST_F(SpendingTest, BudgetsAreThoseOfTheOptions) {
  options_.max_cost = "1";
  options_.monthly_budget = "0";
  options_.pace = {"0.5", "0.25"};
  options_.budgets = {{.tag = "project=a=b", .day = "2", .warn_at = "0.9"},
                      {.tenant = "*", .day = "3", .month = "4"}};
  const auto budgets = budgets_of(options_).value();
  std::vector<std::string> lines;
  for (const auto& budget : budgets) {
    lines.push_back(ledger::describe(budget) + " " + std::to_string(budget.pace->alert_percent) +
                    " " + std::to_string(budget.pace->throttle_percent));
  }
  EXPECT_THAT(lines, ElementsAre("the budget of 1.00 dollars a run 50 25",
                                 "the budget of 0.00 dollars a month 50 25",
                                 "the budget of 2.00 dollars a day for project=a=b 90 25",
                                 "the budget of 3.00 dollars a day of tenant * 50 25",
                                 "the budget of 4.00 dollars a month of tenant * 50 25"));
}

TEST_F(SpendingTest, WrongBudgetsNameTheirPlace) {
  for (const auto& [scoped, text] : std::vector<std::pair<ScopedBudget, const char*>>{
           {{.tenant = "a", .day = "-1", .where = "v.toml:3"},
            "v.toml:3: day: \"-1\" is no amount"},
           {{.tenant = "a", .month = "ten", .where = "v.toml:3"}, "v.toml:3: month: \"ten\" is no"},
           {{.tenant = "a", .day = "1", .warn_at = "80", .where = "v"}, "v: warn_at: \"80\" is no"},
           {{.tenant = "a", .day = "1", .slow_at = "0.333"}, "slow_at: \"0.333\" is no part"},
           {{.tag = "project", .day = "1", .where = "v"}, "v: \"project\" is no tag"},
           {{.tenant = "a", .tag = "k=v", .day = "1"}, "has a tenant and a tag"},
           {{.day = "1"}, "no tenant and no tag"}}) {
    options_.budgets = {scoped};
    const auto budgets = budgets_of(options_);
    ASSERT_FALSE(budgets) << text;
    EXPECT_EQ(budgets.error().kind, ErrorKind::kInvalidArgument);
    EXPECT_THAT(budgets.error().to_string(), HasSubstr(text));
  }
}

TEST_F(SpendingTest, TheCostOfARequestIsSharedByTheTagsOfItsTexts) {
  options_.tags = {{"project", "search"}};
  const auto spending = open();
  const auto records = records_of({{"a", R"({"user":"ann","n":1})"},
                                   {"b", R"({"user":"bob"})"},
                                   {"c", R"({"user":"ann"})"},
                                   {"d", ""},
                                   {"a", R"({"user":"eve"})"}});
  ASSERT_TRUE(spending->set_tags(records, {"user"}));
  const auto answer = ask(*spending, {"a", "b", "c", "d"});
  ASSERT_TRUE(answer.payment);
  EXPECT_THAT(report({"project", "user"}), ElementsAre("{ \"search\", \"\" } 0 0.00 0.00001",
                                                       "{ \"search\", \"ann\" } 0 0.00 0.00002",
                                                       "{ \"search\", \"bob\" } 0 0.00 0.00001"));
  spending->settle(*answer.payment, Billed::kYes, 27);  // 10, 20 and 10 of 40 tokens
  EXPECT_THAT(report({"user"}),
              ElementsAre("{ \"\" } 6 0.000006 0.00", "{ \"ann\" } 14 0.000014 0.00",
                          "{ \"bob\" } 7 0.000007 0.00"));
  EXPECT_EQ(spending->report().requests, 1U);
  EXPECT_EQ(spending->report().tokens, 27U);
  EXPECT_EQ(spending->report().cost, "0.000027");
}

TEST_F(SpendingTest, WhatNoReplyTellsIsSpentAndSaidToBeEstimated) {
  const auto spending = open();
  pay(*spending, {"a"});
  const auto answer = ask(*spending, {"b", "c"});
  spending->settle(*answer.payment, Billed::kUncounted, 7);
  const SpendReport report = spending->report();
  EXPECT_EQ(report.tokens, 17U);
  EXPECT_EQ(report.cost, "0.000017");
  EXPECT_EQ(report.estimated, "0.000007");
  EXPECT_EQ(report.held, "0.00");
  EXPECT_EQ(cost_report({}).value().total.estimated, "0.000007");
}

TEST_F(SpendingTest, FieldsThatAreNoTagsAreRefused) {
  const auto spending = open();
  const std::string prose = R"({"body":")" + std::string(101, 'x') + "\"}";
  for (const char* metadata : {prose.c_str(), R"({"body":[1]})", R"({"body":{}})"}) {
    const auto status = spending->set_tags(records_of({{"text", metadata}}), {"body"});
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().kind, ErrorKind::kInvalidData);
    EXPECT_THAT(status.error().to_string(), testing::Not(HasSubstr("xx")));
  }
  const auto fine = records_of({{"t", R"({"body":null})"}, {"u", R"({"body":7})"}, {"v", "{}"}});
  EXPECT_TRUE(spending->set_tags(fine, {"body"}));
}

TEST_F(SpendingTest, ABudgetOfATagStopsItsTextsOnly) {
  options_.budgets = {{.tag = "user=bob", .day = "0.000015"}};
  const auto spending = open();
  ASSERT_TRUE(spending->set_tags(
      records_of(
          {{"a", R"({"user":"ann"})"}, {"b", R"({"user":"bob"})"}, {"c", R"({"user":"bob"})"}}),
      {"user"}));
  const auto answer = ask(*spending, {"a", "b", "c"});
  ASSERT_TRUE(answer.refusal);
  EXPECT_TRUE(told().empty()) << "parts of it may yet be sent";
  EXPECT_THAT(answer.refusal->to_string(), HasSubstr("a day for user=bob"));
  EXPECT_TRUE(report({"user"}).empty()) << "nothing of it was entered";
  pay(*spending, {"a", "b"});
  EXPECT_TRUE(ask(*spending, {"c"}).refusal);
  EXPECT_TRUE(ask(*spending, {"a"}).payment);
}

TEST_F(SpendingTest, AlertsAreToldOnceWhoeverSpends) {
  options_.daily_budget = "0.00003";
  const auto first = open(), second = open();  // as two processes
  pay(*first, {"a"});
  pay(*second, {"b", "c"});
  EXPECT_THAT(told(), ElementsAre(HasSubstr("is nearly used up")));
  EXPECT_TRUE(ask(*first, {"d"}).refusal);
  EXPECT_TRUE(ask(*second, {"d"}).refusal);
  EXPECT_THAT(told(), ElementsAre(HasSubstr("nearly"), HasSubstr("stopped a call")));
}

TEST_F(SpendingTest, WhatHasToWaitIsToldOnce) {
  options_.monthly_budget = "0.02001";  // 20,000 tokens are let out when nearly all of it is over
  options_.pace.slow_at = "0";
  const auto spending = open();
  const std::vector<std::string_view> texts(2'000, "a");
  const auto answer = ask(*spending, texts);
  if (answer.payment) GTEST_SKIP() << "these are the last minutes of a month";
  ASSERT_TRUE(answer.ask_again);
  EXPECT_GE(*answer.ask_again, std::chrono::seconds(1));
  EXPECT_TRUE(ask(*spending, texts).ask_again);
  EXPECT_THAT(told(), ElementsAre(HasSubstr("lets no more through for now")));
}

TEST_F(SpendingTest, AWebhookGetsSignedJson) {
  ::setenv("SPENDING_TEST_SECRET", "s3cret", 1);
  std::atomic<int> calls{0};
  const LoopbackServer server([&](const LoopbackServer::Request&) {
    return LoopbackServer::reply(++calls == 1 ? 503 : 200, "");
  });
  options_.daily_budget = "0.00001";
  options_.alerts.webhook = server.url() + "/hook";
  options_.alerts.secret_env = "SPENDING_TEST_SECRET";
  pay(*open(), {"a secret text"});
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 2U) << "once more after the 503, and then no more";
  const auto& [method, target, headers, body] = requests[1];
  EXPECT_EQ(method + " " + target, "POST /hook");
  EXPECT_EQ(headers.at("x-vecmill-signature"),
            "sha256=" + hmac_sha256_hex("s3cret", headers.at("x-vecmill-timestamp") + "." + body));
  EXPECT_THAT(body, HasSubstr(R"("alert":"budget_near","scope":"all")"));
  EXPECT_THAT(body, testing::Not(HasSubstr("secret text")));
  EXPECT_EQ(told().size(), 1U);
}

TEST_F(SpendingTest, ADeadWebhookIsToldAndNothingElse) {
  options_.daily_budget = "0.00001";
  options_.alerts.webhook = "http://127.0.0.1:1/services/T0KEN";
  pay(*open(), {"a"});
  ASSERT_THAT(told(),
              ElementsAre(HasSubstr("nearly"), HasSubstr("127.0.0.1:1: the alert did not")));
  EXPECT_THAT(told()[1], testing::Not(HasSubstr("T0KEN")));
}

TEST_F(SpendingTest, AnAbsurdPriceIsTheUsersMistake) {
  options_.price = "10000.000000001";
  const auto refused = ModelSpending::open(options_, "voyage:unknown", 0);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kInvalidArgument);
  EXPECT_EQ(refused.error().where, "--price");
  options_.price = "10000";
  EXPECT_TRUE(ModelSpending::open(options_, "voyage:unknown", 0));
}

TEST_F(SpendingTest, WrongWebhooksAreErrorsBeforeAnythingIsSent) {
  for (const char* url : {"example.com/hook", "http://public.example/hook", "https://",
                          "https://me:secret@example.com/hook"}) {
    options_.alerts.webhook = url;
    const auto refused = ModelSpending::open(options_, kModel, 0);
    ASSERT_FALSE(refused) << url;
    EXPECT_EQ(refused.error().kind, ErrorKind::kInvalidArgument);
    EXPECT_EQ(refused.error().where, "alert_webhook");
    EXPECT_THAT(refused.error().to_string(), testing::Not(HasSubstr("secret")));
  }
  options_.alerts.webhook = "https://example.com/hook?token=1";
  EXPECT_TRUE(ModelSpending::open(options_, kModel, 0)) << "as chat services have them";
  options_.alerts = {{}, "https://example.com/hook", "SPENDING_TEST_UNSET"};
  EXPECT_EQ(ModelSpending::open(options_, kModel, 0).error().kind, ErrorKind::kAuth);
}

TEST_F(SpendingTest, TenantsAreKeptApart) {
  options_.tenant = "acme";
  pay(*open(), {"a"});
  options_.tenant = "";
  pay(*open(), {"a", "b"});
  EXPECT_THAT(report({"tenant"}),
              ElementsAre("{ \"\" } 20 0.00002 0.00", "{ \"acme\" } 10 0.00001 0.00"));
  EXPECT_THAT(report({"month"}, "acme").size(), 1U);
  EXPECT_THAT(report({"provider"}, "acme"), ElementsAre("{ \"voyage\" } 10 0.00001 0.00"));
  std::vector<std::uint64_t> keys;
  const auto log = ledger::open_call_log((home_ / "ledger.db").string());
  ASSERT_TRUE((*log)->for_each({.with_texts = true}, [&](const ledger::Entry& entry) {
    keys.push_back(entry.call.texts[0].key);
  }));
  EXPECT_NE(keys[0], keys[1]);

  ModelOptions model;
  model.model = "builtin:hash";
  model.use_cache = CacheMode::kOn;
  std::ofstream(folder_ / "in.txt") << "one\ntwo\n";
  EmbedJob job;
  job.inputs = {(folder_ / "in.txt").string()};
  for (const auto& [tenant, hits] : {std::pair{"", 0U}, {"acme", 0U}, {"acme", 2U}, {"", 2U}}) {
    model.spend.tenant = tenant;
    EXPECT_EQ((*Engine::open(model))->warm(job)->cache.hits, hits) << tenant;
  }
}

TEST_F(SpendingTest, AdviceIsReckonedFromWhatWasPaid) {
  options_.tenant = "acme";
  const auto spending = open();
  for (const auto& texts : {std::vector<std::string_view>{"a", "b"}, {"c"}, {"a"}})
    pay(*spending, texts);
  const auto query = ask(*spending, {"d"}, Role::kQuery);
  spending->settle(*query.payment, Billed::kYes, 10);
  CostQuery asked;
  asked.storage_price = "1000000";
  const auto advice = [&] {
    std::vector<std::string> lines;
    const auto found = cost_advice(asked, options_).value();
    for (const CostAdvice& one : found) lines.push_back(one.kind + " " + one.saves);
    return lines;
  };
  // 4 vectors lose 512 of 1024 numbers of 4 bytes: 8,192 bytes at 0.001 dollars each; 40 of 50
  // tokens at half of the price; 10 tokens of "a", which was sent again after two others.
  EXPECT_THAT(advice(), ElementsAre("dimensions 8.192", "batch-api 0.00002", "cache-size 0.00001"));
  asked.cache_vectors = 3;
  asked.storage_price = "";
  EXPECT_THAT(advice(), ElementsAre("batch-api 0.00002", "duplicates 0.00001"));
}

TEST_F(SpendingTest, EstimatesAreReckonedFromTheBytes) {
  std::ofstream(folder_ / "in.txt") << std::string(100, 'x') << "\n"
                                    << std::string(300, 'y') << "\n";
  EmbedJob job;
  job.inputs = {(folder_ / "in.txt").string()};
  std::vector<ModelOptions> models(3);
  for (auto& model : models) model.spend = options_;
  models[0].model = kModel;
  models[1].model = "builtin:hash";
  models[2].model = "jina:nobody-knows";
  const auto found = estimate(job, models).value();
  EXPECT_EQ(found[0].texts, 2U);
  EXPECT_EQ(found[0].tokens, 110U);  // 0.27 of 400 bytes, and one around each
  EXPECT_EQ(found[0].cost, "0.00011");
  EXPECT_FALSE(found[0].exact);
  EXPECT_EQ(found[1].cost, "0.00");
  EXPECT_TRUE(found[1].exact);
  EXPECT_THAT(found[2].problem, HasSubstr("price"));
}

TEST_F(SpendingTest, WhoOnlyAsksMakesNothing) {
  EXPECT_EQ(cost_report({}).error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(cost_advice({}, options_).error().kind, ErrorKind::kNotFound);
  options_.daily_budget = "5";
  options_.budgets = {{.tenant = "acme", .month = "1"}, {.tenant = "*", .month = "1"}};
  const auto states = budget_states(options_).value();
  ASSERT_EQ(states.size(), 2U);
  EXPECT_EQ(states[0].left, "5.00");
  EXPECT_EQ(states[1].name, "the budget of 1.00 dollars a month of tenant acme");
  EXPECT_FALSE(fs::exists(home_));
}

}  // namespace
}  // namespace vecmill::engine
