#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "vecmill/base/quick_folder.h"
#include "vecmill/ledger/ledger.h"

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

/// A folder of its own for each test.
class LedgerFolder : public testing::Test {
 protected:
  LedgerFolder() { std::filesystem::create_directories(folder_); }
  ~LedgerFolder() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::unique_ptr<Ledger> open(const std::vector<Budget>& budgets = {},
                                             const BudgetOptions& pace = {}) const {
    auto ledger = Ledger::open({path_, test_prices(), budgets, pace});
    EXPECT_TRUE(ledger) << ledger.error().to_string();
    return ledger ? std::move(*ledger) : nullptr;
  }

  [[nodiscard]] std::vector<Entry> entries(bool with_texts = false) const {
    std::vector<Entry> all;
    const auto db = open_existing_ledger(path_);
    EXPECT_TRUE(db && for_each_call(*db, {.with_texts = with_texts},
                                    [&](const Entry& entry) { all.push_back(entry); }));
    return all;
  }

  /// The totals in the file are the sums of its calls, scope by scope and day by day.
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
    const auto db = open_existing_ledger(path_);
    ASSERT_TRUE(db);
    auto rows = Statement::prepare(*db, "SELECT scope,day,spent,held FROM totals");
    ASSERT_TRUE(rows);
    std::size_t count = 0;
    for (; rows->step().value(); ++count) {
      const std::pair key{std::string(rows->text(0)), rows->number(1)};
      const std::pair found{static_cast<Money>(rows->number(2)),
                            static_cast<Money>(rows->number(3))};
      EXPECT_EQ(sums[key], found) << key.first;
    }
    EXPECT_EQ(count, sums.size());
  }

  const std::filesystem::path folder_ =
      quick_folder() / ("vecmill-ledger-" + std::to_string(getpid()));
  const std::filesystem::path path_ = folder_ / "ledger.db";
};

}  // namespace vecmill::ledger
