#include "vecmill/cli/budget_settings.h"

#include <gtest/gtest.h>

namespace vecmill::cli {
namespace {

TEST(BudgetTablesTest, BudgetsOfTenantsAndTags) {
  BudgetTables tables;
  for (const auto& [key, value] : std::vector<std::pair<const char*, const char*>>{
           {"budget.warn_at", "0.5"},
           {"budget.tag.project=search.v2.month", "10"},
           {"budget.tag.project=search.v2.slow_at", "0.6"},
           {"budget.tenant.acme.day", "1"},
           {"budget.tenant.acme.day", "2"}}) {
    EXPECT_TRUE(BudgetTables::has(key));
    EXPECT_TRUE(tables.add({key, value, "vecmill.toml:3"})) << key;
  }
  EXPECT_EQ(tables.pace().warn_at, "0.5");
  EXPECT_EQ(tables.pace().slow_at, "1");
  const auto budgets = tables.budgets();
  ASSERT_EQ(budgets.size(), 2U);
  EXPECT_EQ(budgets[0].tag, "project=search.v2");
  EXPECT_EQ(budgets[0].month, "10");
  EXPECT_EQ(budgets[0].slow_at, "0.6");
  EXPECT_EQ(budgets[0].day, "");
  EXPECT_EQ(budgets[1].tenant, "acme");
  EXPECT_EQ(budgets[1].day, "2");
  EXPECT_EQ(budgets[1].where, "vecmill.toml:3");
}

TEST(BudgetTablesTest, WhatHoldsIsShownWithWhoSaidIt) {
  BudgetTables tables;
  const auto shown = [&] {
    std::string all;
    for (const TomlEntry& row : tables.rows()) {
      all += row.key + " = " + row.value + " # " + row.where + "\n";
    }
    return all;
  };
  EXPECT_EQ(shown(), "budget.warn_at = 0.8 # default\nbudget.slow_at = 1 # default\n");
  int line = 0;
  for (const auto& [key, value] : std::vector<std::pair<const char*, const char*>>{
           {"budget.slow_at", "0.5"},
           {"budget.tag.project=search.month", "10"},
           {"budget.tag.project=search.warn_at", "0.9"},
           {"budget.tenant.acme.day", "1"},
           {"budget.tenant.acme.day", "2"}}) {
    ASSERT_TRUE(tables.add({key, value, "f:" + std::to_string(++line)})) << key;
  }
  EXPECT_EQ(shown(),
            "budget.warn_at = 0.8 # default\n"
            "budget.slow_at = 0.5 # f:1\n"
            "budget.tag.\"project=search\".month = 10 # f:2\n"
            "budget.tag.\"project=search\".warn_at = 0.9 # f:3\n"
            "budget.tag.\"project=search\".slow_at = 0.5 # f:1\n"
            "budget.tenant.acme.day = 2 # f:5\n"
            "budget.tenant.acme.warn_at = 0.8 # default\n"
            "budget.tenant.acme.slow_at = 0.5 # f:1\n");
}

TEST(BudgetTablesTest, MistakesNameTheNearestKey) {
  for (const auto& [key, hint] : std::vector<std::pair<const char*, const char*>>{
           {"budget.mnth", "did you mean month?"},
           {"budget.tennant.acme.day", "did you mean tenant?"},
           {"budget.tenant.acme.dya", "did you mean day?"},
           {"budget.tag.project=a.warnat", "did you mean warn_at?"},
           {"budget.tag.month", "write it below [budget.tag.\"project=search\"]"},
           {"budget.tenant", "write it below [budget.tenant.NAME]"},
           {"budget.tenant.acme.frobnicate", "it has day, month, warn_at and slow_at"}}) {
    const auto status = BudgetTables().add({key, "1", "vecmill.toml:7"});
    ASSERT_FALSE(status) << key;
    EXPECT_EQ(status.error().kind, ErrorKind::kInvalidArgument);
    EXPECT_EQ(status.error().where, "vecmill.toml:7");
    EXPECT_EQ(status.error().hint, hint) << key;
  }
}

}  // namespace
}  // namespace vecmill::cli
