#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "vecmill/base/database.h"
#include "vecmill/base/quick_folder.h"
#include "vecmill/ledger/call_log.h"
#include "vecmill/ledger/ledger.h"
#include "vecmill/postgres/testing.h"

namespace vecmill::ledger {

inline Date day(const char* text) { return *parse_day(text); }

inline const Date kNoon = day("2026-11-30") + std::chrono::hours(12);
inline const Date kTomorrow = day("2026-12-01");  // a new month, too

/// Model "m" of "paid" costs 1,000 billionths of a dollar a token from January on, 2,000 from
/// 2026-12-01 on; all of "local" is free.
inline PriceBook test_prices() {
  PriceBook book;
  EXPECT_TRUE(book.add("paid,m,2026-01-01,1,0.5\npaid,m,2026-12-01,2,1\nlocal,*,1970-01-01,0\n",
                       "test prices"));
  return book;
}

inline constexpr Money kToken = 1'000;

inline Call call_of(std::uint64_t tokens) {
  return {.provider = "paid", .model = "m", .run = "r", .most_tokens = tokens};
}

inline Budget run_budget(std::uint64_t tokens) { return {{Span::kRun, tokens * kToken}}; }
inline Budget day_budget(std::uint64_t tokens) { return {{Span::kDay, tokens * kToken}}; }
inline Budget month_budget(std::uint64_t tokens) { return {{Span::kMonth, tokens * kToken}}; }

/// A folder of its own for each test, with the ledger in it.
class LedgerFolder : public testing::Test {
 protected:
  LedgerFolder() { std::filesystem::create_directories(folder_); }
  ~LedgerFolder() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::unique_ptr<Ledger> open(const std::vector<Budget>& budgets = {},
                                             const BudgetOptions& pace = {}) const {
    auto ledger = open_ledger({place_, test_prices(), budgets, pace});
    EXPECT_TRUE(ledger) << ledger.error().to_string();
    return ledger ? std::move(*ledger) : nullptr;
  }

  [[nodiscard]] std::vector<Entry> entries(bool with_texts = false) const {
    std::vector<Entry> all;
    const auto log = open_call_log(place_);
    EXPECT_TRUE(log && (*log)->for_each({.with_texts = with_texts},
                                        [&](const Entry& entry) { all.push_back(entry); }));
    return all;
  }

  struct Total {
    std::string scope;
    std::int64_t day = 0;
    Money spent = 0, held = 0;
  };
  [[nodiscard]] virtual std::vector<Total> totals() const {
    std::vector<Total> all;
    const auto db = Database::open_shared(path_);
    auto rows = Statement::prepare(*db, "SELECT scope,day,spent,held FROM totals");
    while (rows->step().value()) {
      all.push_back({std::string(rows->text(0)), rows->number(1),
                     static_cast<Money>(rows->number(2)), static_cast<Money>(rows->number(3))});
    }
    return all;
  }

  /// The totals that are kept are the sums of the calls, scope by scope and day by day.
  void expect_totals_to_add_up() const {
    std::map<std::pair<std::string, std::int64_t>, std::pair<Money, Money>> sums;
    for (const Entry& entry : entries()) {
      const auto date = std::chrono::floor<std::chrono::days>(entry.made);
      for (const std::string& scope : scopes_of(entry.call)) {
        auto& [spent, held] = sums[{scope, date.time_since_epoch().count()}];
        spent += entry.cost;
        held += entry.counted() - entry.cost;
      }
    }
    const auto kept = totals();
    for (const Total& one : kept) {
      EXPECT_EQ((sums[{one.scope, one.day}]), std::pair(one.spent, one.held)) << one.scope;
    }
    EXPECT_EQ(kept.size(), sums.size());
  }

  const std::filesystem::path folder_ =
      quick_folder() / ("vecmill-ledger-" + std::to_string(getpid()));
  const std::filesystem::path path_ = folder_ / "ledger.db";
  std::string place_ = path_.string();
};

enum class Kept { kFile, kPostgres };

/// A test of what every ledger promises: in a file, and in a schema of its own of a real server.
class EveryLedger : public LedgerFolder, public testing::WithParamInterface<Kept> {
 protected:
  void SetUp() override { begin_anew(); }
  static void TearDownTestSuite() { server_.reset(); }

  [[nodiscard]] bool is_file() const { return GetParam() == Kept::kFile; }

  void begin_anew() {
    if (is_file()) {
      std::filesystem::remove_all(folder_);
      std::filesystem::create_directories(folder_);
      return;
    }
    if (!server_) server_ = postgres::TestServer::begin();
    if (!server_) GTEST_SKIP() << "Debian's postgresql-15 is not installed";
    schema_ = "s" + std::to_string(++schemas_);
    run("CREATE SCHEMA " + schema_);
    place_ = server_->url() + "&schema=" + schema_;
    std::filesystem::remove(folder_ / "bill");
  }

  /// On the server. `@` stands for the schema.
  postgres::Rows run(std::string sql) const {
    while (sql.find('@') != std::string::npos) sql.replace(sql.find('@'), 1, schema_ + ".");
    auto connection = postgres::Connection::open(*postgres::parse_database(server_->url()));
    auto rows = connection->run(sql);
    EXPECT_TRUE(rows) << rows.error().to_string();
    return *rows;
  }

  [[nodiscard]] std::vector<Total> totals() const override {
    if (is_file()) return LedgerFolder::totals();
    const auto rows =
        run("SELECT scope, day::text, spent::text, held::text"
            " FROM @vecmill_ledger_totals");
    std::vector<Total> all;
    for (std::size_t row = 0; row < rows.size(); ++row) {
      all.push_back({std::string(rows.at(row, 0)), static_cast<std::int64_t>(rows.number(row, 1)),
                     rows.number(row, 2), rows.number(row, 3)});
    }
    return all;
  }

  static inline std::unique_ptr<postgres::TestServer> server_;
  static inline int schemas_ = 0;
  std::string schema_;
};

#define VECMILL_EVERY_LEDGER(suite)                           \
  INSTANTIATE_TEST_SUITE_P(                                   \
      , suite, testing::Values(Kept::kFile, Kept::kPostgres), \
      [](const auto& of) { return std::string(of.param == Kept::kFile ? "file" : "postgres"); })

}  // namespace vecmill::ledger
