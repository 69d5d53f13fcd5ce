#include "vecmill/reconcile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "vecmill/base/hash.h"
#include "vecmill/base/quick_folder.h"
#include "vecmill/qdrant/testing.h"
#include "vecmill/sink/inventory.h"

namespace vecmill {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

/// Sources of lines "id text" beside a .db and a collection, both of builtin:hash.
class ReconcileTest : public testing::Test {
 protected:
  ReconcileTest() {
    std::filesystem::create_directories(folder_);
    ModelOptions options;
    options.model = "builtin:hash";
    options.dims = 64;
    options.use_cache = CacheMode::kOff;
    engine_ = Engine::open(options).value();
  }
  ~ReconcileTest() override { std::filesystem::remove_all(folder_); }

  void write(const std::vector<std::pair<std::string, std::string>>& records) const {
    std::ofstream out(source_);
    for (const auto& [id, text] : records) {
      out << R"({"id":")" << id << R"(","text":")" << text << "\"}\n";
    }
  }

  void embed(const std::string& out) const {
    const auto report = engine_->run(job(out).embed);
    ASSERT_TRUE(report) << report.error().to_string();
  }

  [[nodiscard]] ReconcileJob job(const std::string& out) const {
    ReconcileJob job;
    job.embed.inputs = {source_};
    job.embed.out = out;
    job.embed.qdrant.create = true;
    return job;
  }

  Result<ReconcileReport> run(const ReconcileJob& job) {
    findings_.clear();
    VECMILL_ASSIGN(auto reconciliation, Reconciliation::open(job));
    ReconcileListeners listeners;
    listeners.finding = [&](RowState state, const std::string& id) -> Status {
      findings_.push_back(std::string(name(state)) + " " + id);
      return {};
    };
    return reconciliation.run(engine_.get(), listeners);
  }

  static std::vector<std::string> ids_of(const std::string& out) {
    std::vector<std::string> ids;
    const auto inventory = sink::open_inventory(out).value();
    EXPECT_TRUE(inventory->each_row([&](const sink::KnownRow& row) -> Status {
      ids.push_back(row.id);
      return {};
    }));
    return ids;
  }

  const std::filesystem::path folder_ =
      quick_folder() / ("vecmill-reconcile-" + std::to_string(getpid()));
  const std::string source_ = folder_ / "in.jsonl";
  const std::string db_ = folder_ / "out.db";
  qdrant::TestingServer server_;
  std::unique_ptr<Engine> engine_;
  std::vector<std::string> findings_;
};

TEST_F(ReconcileTest, WhatIsNotFineIsFoundAndNothingIsChangedUnasked) {
  for (const std::string& out : {db_, server_.url()}) {
    write({{"a", "1"}, {"b", "2"}, {"c", "3"}});
    embed(out);
    write({{"a", "1"}, {"b", "changed"}, {"d", "4"}});
    const auto report = run(job(out));
    ASSERT_TRUE(report) << report.error().to_string();
    const bool by_text = out != db_;
    EXPECT_EQ(report->rows, 3U);
    EXPECT_EQ(report->fine, by_text ? 1U : 2U);
    EXPECT_EQ(report->lost, 1U);
    EXPECT_EQ(report->knows_stale, by_text);
    EXPECT_EQ(report->orphaned, 1U);
    EXPECT_EQ(report->mended + report->removed + report->failed, 0U);
    if (by_text) {
      EXPECT_THAT(findings_, ElementsAre("stale b", "lost d", "orphaned c"));
    } else {
      EXPECT_THAT(findings_, ElementsAre("lost d", "orphaned c"));
    }
    EXPECT_THAT(ids_of(out), UnorderedElementsAre("a", "b", "c"));
  }
}

TEST_F(ReconcileTest, WhatIsLostOrStaleIsEmbedded) {
  for (const std::string& out : {db_, server_.url()}) {
    write({{"a", "1"}, {"b", "2"}});
    embed(out);
    write({{"a", "1"}, {"b", "changed"}, {"d", "4"}});
    ReconcileJob mend = job(out);
    mend.mend = true;
    const auto report = run(mend);
    ASSERT_TRUE(report) << report.error().to_string();
    EXPECT_EQ(report->mended, out == db_ ? 1U : 2U);
    EXPECT_EQ(report->embedded->embedded, report->mended);
    EXPECT_THAT(ids_of(out), UnorderedElementsAre("a", "b", "d"));
    const auto after = run(job(out));
    EXPECT_EQ(after->fine, 3U);
    EXPECT_THAT(findings_, IsEmpty());
  }
}

TEST_F(ReconcileTest, OrphansGoWhenThatIsAskedFor) {
  for (const std::string& out : {db_, server_.url()}) {
    write({{"a", "1"}, {"b", "2"}, {"c", "3"}});
    embed(out);
    write({{"b", "2"}});
    ReconcileJob mend = job(out);
    mend.mend = true;
    EXPECT_EQ(run(mend)->removed, 0U);
    EXPECT_THAT(ids_of(out), UnorderedElementsAre("a", "b", "c"));
    mend.remove_orphans = true;
    EXPECT_EQ(run(mend)->removed, 2U);
    EXPECT_THAT(ids_of(out), ElementsAre("b"));
  }
}

TEST_F(ReconcileTest, ASourceOfOtherIdsIsNoReasonToRemoveAll) {
  write({{"a", "1"}, {"b", "2"}});
  embed(db_);
  write({{"x", "1"}});
  ReconcileJob all = job(db_);
  all.remove_orphans = true;
  EXPECT_EQ(run(all).error().kind, ErrorKind::kMismatch);
  EXPECT_THAT(ids_of(db_), ElementsAre("a", "b"));
  all.remove_anything = true;
  EXPECT_EQ(run(all)->removed, 2U);
}

TEST_F(ReconcileTest, WhatComesBackBeforeTheSecondLookIsNoOrphan) {
  write({{"a", "1"}, {"b", "2"}, {"c", "3"}});
  embed(db_);
  write({{"a", "1"}});
  ReconcileJob all = job(db_);
  all.remove_orphans = true;
  auto reconciliation = Reconciliation::open(all).value();
  ReconcileListeners listeners;
  listeners.progress = [&](std::uint64_t) { write({{"b", "2"}}); };  // after the only page
  const auto report = reconciliation.run(nullptr, listeners);
  ASSERT_TRUE(report) << report.error().to_string();
  EXPECT_EQ(report->orphaned, 1U);
  EXPECT_THAT(ids_of(db_), ElementsAre("a", "b"));
}

TEST_F(ReconcileTest, AnOrphanThatIsMadeAnewOfAnotherTextStays) {
  write({{"1", "a"}, {"2", "b"}, {"3", "c"}});
  embed(server_.url());
  write({{"1", "a"}});
  int lists = 0;
  server_.before = [&](const qdrant::TestingServer::Request& request) {
    const bool list = request.target.ends_with("/points/scroll");
    if (list && ++lists == 2) {  // the first is before the source is read
      server_.points["2"]["payload"]["_vecmill"]["text_hash"] = sha256_hex("new");
    }
    return std::optional<std::string>();
  };
  ReconcileJob all = job(server_.url());
  all.remove_orphans = true;
  const auto report = run(all);
  ASSERT_TRUE(report) << report.error().to_string();
  EXPECT_EQ(report->removed, 1U);
  EXPECT_THAT(report->notes, ElementsAre(HasSubstr("1 of the orphans stay")));
  EXPECT_THAT(ids_of(server_.url()), UnorderedElementsAre("1", "2"));
}

TEST_F(ReconcileTest, ASinkThatCannotDoWhatIsAskedIsRefusedAtOnce) {
  const std::string npy = folder_ / "rows.npy";
  write({{"a", "1"}});
  embed(npy);
  ReconcileJob mend = job(npy);
  EXPECT_EQ(run(mend)->fine, 1U);
  mend.mend = true;
  EXPECT_THAT(Reconciliation::open(mend).error().to_string(), HasSubstr("a .db, a table"));
  ReconcileJob piped = job(db_);
  embed(db_);
  piped.embed.inputs = {"-"};
  piped.remove_orphans = true;
  EXPECT_EQ(Reconciliation::open(piped).error().kind, ErrorKind::kInvalidArgument);
}

TEST_F(ReconcileTest, TheSinkKnowsItsModelAndAnotherIsRefused) {
  write({{"a", "1"}});
  embed(db_);
  ReconcileJob mend = job(db_);
  mend.mend = true;
  auto reconciliation = Reconciliation::open(mend).value();
  EXPECT_EQ(reconciliation.model()->model, "builtin:hash");
  EXPECT_EQ(reconciliation.model()->dims, 64U);
  ModelOptions other;
  other.model = "builtin:hash";
  other.dims = 32;
  const auto engine = Engine::open(other).value();
  EXPECT_EQ(reconciliation.run(engine.get()).error().kind, ErrorKind::kMismatch);
}

TEST_F(ReconcileTest, AStopEndsItWithNothingRemoved) {
  write({{"a", "1"}, {"b", "2"}});
  embed(db_);
  write({{"a", "1"}});
  ReconcileJob all = job(db_);
  all.remove_orphans = true;
  std::stop_source stop;
  ReconcileListeners listeners;
  listeners.progress = [&](std::uint64_t) { stop.request_stop(); };
  const auto report = Reconciliation::open(all)->run(nullptr, listeners, stop.get_token());
  EXPECT_EQ(report.error().kind, ErrorKind::kCancelled);
  EXPECT_THAT(ids_of(db_), ElementsAre("a", "b"));
}

}  // namespace
}  // namespace vecmill
