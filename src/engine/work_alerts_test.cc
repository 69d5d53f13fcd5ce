#include "vecmill/engine/work_alerts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "vecmill/http/loopback_server.h"

namespace vecmill::engine {
namespace {

using http::LoopbackServer;
using testing::HasSubstr;

class RunAlertsTest : public testing::Test {
 protected:
  RunAlertsTest() {
    options_.webhook = server_.url() + "/hook";
    options_.progress = std::chrono::seconds(60);
  }

  /// What the webhook got while `tell` told it.
  template <class Tell>
  std::vector<nlohmann::json> heard(Tell tell) {
    {
      auto alerts = RunAlerts::open(options_, "postgres://u:hush@h/d?table=t");
      EXPECT_TRUE(alerts) << alerts.error().to_string();
      tell(*alerts);
    }
    std::vector<nlohmann::json> all;
    for (const auto& request : server_.requests())
      all.push_back(nlohmann::json::parse(request.body));
    return all;
  }

  static EmbedProgress after(double seconds, std::uint64_t texts) {
    EmbedProgress now;
    now.seconds = seconds;
    now.texts = texts;
    now.resumed = 100;
    now.texts_total = 700;
    now.failed = 1;
    return now;
  }

  const LoopbackServer server_{
      [](const LoopbackServer::Request&) { return LoopbackServer::reply(200, ""); }};
  AlertOptions options_;
};

TEST_F(RunAlertsTest, TheWebhookHearsOfProgressNoMoreOftenThanAsked) {
  const auto all = heard([&](RunAlerts& alerts) {
    for (const double seconds : {0.0, 1.0, 59.9}) alerts.progress(after(seconds, 50));
    alerts.progress(after(60, 300));
    // So often that the first word has arrived meanwhile: it is not for that that these are left
    // out.
    for (int i = 0; server_.requests().empty() || i < 10'000; ++i) {
      alerts.progress(after(61.0 + i % 59, 301));
      std::this_thread::yield();
    }
  });
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0]["alert"], "progress");
  EXPECT_EQ(all[0]["done"], 400);
  EXPECT_EQ(all[0]["texts_total"], 700);
  EXPECT_EQ(all[0]["failed"], 1);
  EXPECT_DOUBLE_EQ(all[0]["texts_per_second"], 5.0);
  EXPECT_DOUBLE_EQ(all[0]["seconds_left"], 60.0);
  EXPECT_THAT(all[0]["text"].get<std::string>(), HasSubstr("400 of 700 texts"));
  EXPECT_THAT(all[0].dump(), testing::Not(HasSubstr("hush")));
}

TEST_F(RunAlertsTest, ItHearsOnceHowTheRunEnded) {
  EmbedReport report;
  report.embedded = 1;
  report.failed = 2;
  const auto good = heard([&](RunAlerts& alerts) { alerts.ended(report); });
  ASSERT_EQ(good.size(), 1U);
  EXPECT_EQ(good[0]["alert"], "run_ended");
  EXPECT_EQ(good[0]["failed"], 2);
  EXPECT_THAT(good[0]["text"].get<std::string>(), HasSubstr("1 text embedded, 2 failed"));
  const auto bad = heard([&](RunAlerts& alerts) {
    alerts.ended(make_error(ErrorKind::kIo, "the disk is full", "out.db"));
    alerts.ended(make_error(ErrorKind::kCancelled, "interrupted"));
  });
  ASSERT_EQ(bad.size(), 3U);
  EXPECT_EQ(bad[1]["alert"], "run_failed");
  EXPECT_EQ(bad[1]["error"], name(ErrorKind::kIo));
  EXPECT_THAT(bad[1]["text"].get<std::string>(), HasSubstr("the disk is full"));
  EXPECT_EQ(bad[2]["alert"], "run_interrupted");
}

TEST_F(RunAlertsTest, WhoDidNotAskIsNotTold) {
  options_.progress = {};
  EXPECT_TRUE(heard([](RunAlerts& alerts) {
                alerts.progress(after(3600, 9));
                alerts.ended(EmbedReport());
              }).empty());
  options_.progress = std::chrono::seconds(1);
  options_.webhook.clear();
  EXPECT_EQ(RunAlerts::open(options_, "x.npy").error().kind, ErrorKind::kInvalidArgument);
}

}  // namespace
}  // namespace vecmill::engine
