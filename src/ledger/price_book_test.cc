#include "vecmill/ledger/price_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace vecmill::ledger {
namespace {

Date at(const char* day) { return *parse_day(day); }

PriceBook book_of(const char* text) {
  PriceBook book;
  EXPECT_TRUE(book.add(text, "prices.csv"));
  return book;
}

TEST(MoneyTest, DollarsAreExact) {
  for (const auto& [text, money, shown] : std::vector<std::tuple<const char*, Money, const char*>>{
           {"0", 0, "0.00"},
           {"0.02", 20'000'000, "0.02"},
           {"5", 5'000'000'000, "5.00"},
           {"0.1206", 120'600'000, "0.1206"},
           {"0.000000001", 1, "0.000000001"},
           {"18446744071.999999999", 18'446'744'071'999'999'999U, "18446744071.999999999"}}) {
    EXPECT_EQ(parse_dollars(text), money) << text;
    EXPECT_EQ(format_dollars(money), shown);
  }
  for (const char* text : {"", ".", "1.", ".5", "-1", "+1", "1e3", "0x1", " 1", "1 ", "1.2.3",
                           "1,5", "0.0000000001", "18446744073", "nan", "$1", "1.-5", "1.+5"}) {
    EXPECT_EQ(parse_dollars(text), std::nullopt) << text;
  }
}

TEST(MoneyTest, CostIsRoundedUp) {
  EXPECT_EQ(cost_of(0, 20'000'000), 0U);
  EXPECT_EQ(cost_of(1, 20'000'000), 20U);
  EXPECT_EQ(cost_of(3, 1), 1U) << "a part of a billionth counts as one";
  EXPECT_EQ(cost_of(1'000'000, 180'000'000), 180'000'000U);
  EXPECT_EQ(cost_of(kMaxTokens, kMaxPrice), 10'000'000'000'000'000U);
}

TEST(MoneyTest, SharesAddUpToTheCost) {
  using testing::ElementsAre;
  EXPECT_THAT(share_cost(100, std::vector<std::uint32_t>{1, 1, 2}), ElementsAre(25, 25, 50));
  EXPECT_THAT(share_cost(100, std::vector<std::uint32_t>{1, 1, 1}), ElementsAre(33, 33, 34));
  EXPECT_THAT(share_cost(7, std::vector<std::uint32_t>{0, 0}), ElementsAre(3, 4));
  EXPECT_THAT(share_cost(7, std::vector<std::uint32_t>{}), ElementsAre());
  std::mt19937_64 random(1);
  for (int i = 0; i < 1'000; ++i) {
    std::vector<std::uint32_t> tokens(1 + random() % 50);
    std::uint64_t total = 0;
    for (auto& n : tokens) total += n = static_cast<std::uint32_t>(random() % 9'000);
    const Money cost = random() % 1'000'000'000'000;
    const auto shares = share_cost(cost, tokens);
    Money sum = 0;
    for (std::size_t n = 0; n < tokens.size(); ++n) {
      sum += shares[n];
      if (total == 0) continue;
      const auto exact = static_cast<long double>(cost) * tokens[n] / total;
      EXPECT_LT(std::abs(static_cast<long double>(shares[n]) - exact), 1.0L);
    }
    EXPECT_EQ(sum, cost);
  }
}

TEST(PriceBookTest, ThePriceOfTheDay) {
  const PriceBook book = book_of("x,m,2026-02-01,0.20\nx,m,2026-01-01,0.10\nx,m,2026-03-01,0.05\n");
  for (const auto& [day, price] :
       std::vector<std::pair<const char*, Money>>{{"2026-01-01", 100'000'000},
                                                  {"2026-01-31", 100'000'000},
                                                  {"2026-02-01", 200'000'000},
                                                  {"2026-02-28", 200'000'000},
                                                  {"2026-03-01", 50'000'000},
                                                  {"2030-01-01", 50'000'000}}) {
    EXPECT_EQ(book.find("x", "m", at(day) + std::chrono::hours(23)).value().per_million, price)
        << day;
  }
  const auto before = book.find("x", "m", at("2025-12-31"));
  ASSERT_FALSE(before);
  EXPECT_THAT(before.error().to_string(), testing::HasSubstr("the first one is of 2026-01-01"));
}

TEST(PriceBookTest, AnUnknownPriceIsAnErrorThatSaysWhatToWrite) {
  const PriceBook book = PriceBook::built_in();
  const auto price = book.find("voyage", "voyage-9", at("2026-11-21"));
  ASSERT_FALSE(price);
  EXPECT_EQ(price.error().kind, ErrorKind::kInvalidArgument);
  EXPECT_EQ(price.error().to_string(),
            "voyage:voyage-9: no price is known; add the line "
            "'voyage,voyage-9,2026-11-21,DOLLARS-PER-MILLION-TOKENS' to your prices");
  EXPECT_FALSE(book.find("nobody", "x", at("2026-11-21")));
}

TEST(PriceBookTest, WhatIsFreeSaysSo) {
  const PriceBook book = PriceBook::built_in();
  for (const char* provider : {"local", "builtin", "ollama", "tei"}) {
    EXPECT_EQ(book.find(provider, "any", at("2026-11-21")).value().per_million, 0U) << provider;
  }
  for (const Price& price : book.all()) {
    EXPECT_EQ(price.per_million == 0, price.model == "*") << price.model;
    EXPECT_FALSE(price.source.empty()) << price.model;
    EXPECT_TRUE(!price.batch || *price.batch < price.per_million) << price.model;
  }
  EXPECT_EQ(book.find("openai", "text-embedding-3-small", at("2026-11-21")).value().batch,
            10'000'000U);
}

TEST(PriceBookTest, AUsersPriceReplacesAndAdds) {
  PriceBook book = book_of("x,m,2026-01-01,0.10\nx,*,2026-01-01,0\n");
  ASSERT_TRUE(
      book.add("# mine\r\n\r\nx,m,2026-01-01,0.30,0.1,s,256 512,a, b\r\nx,n,2026-01-01,0.40", "u"));
  const Price m = book.find("x", "m", at("2026-01-01")).value();
  EXPECT_EQ(m.per_million, 300'000'000U);
  EXPECT_EQ(m.batch, 100'000'000U);
  EXPECT_EQ(m.space, "s");
  EXPECT_THAT(m.dims, testing::ElementsAre(256, 512));
  EXPECT_EQ(m.source, "a, b");
  EXPECT_EQ(book.find("x", "n", at("2026-01-01")).value().per_million, 400'000'000U);
  EXPECT_EQ(book.find("x", "o", at("2026-01-01")).value().per_million, 0U);
  EXPECT_EQ(book.all().size(), 3U);
}

TEST(PriceBookTest, AWrongLineIsNamedAndNothingIsAdded) {
  for (const char* line :
       {"x,m,2026-01-01", "x,m,2026-13-01,1", "x,m,2026-1-1,1", "x,m,2026-02-29,1",
        ",m,2026-01-01,1", "x,,2026-01-01,1", "x,m,2026-01-01,", "x,m,2026-01-01,free",
        "x,m,2026-01-01,10001", "x,m,2026-01-01,1,cheap", "x,m,2026-01-01,1,,,512 256",
        "x,m,2026-01-01,1,,,0", "x,m,2026-01-01,1,,,all", "x,\xFF,2026-01-01,1",
        "y,m,2026-01-01,2"}) {
    PriceBook book;
    const Status added = book.add("y,m,2026-01-01,1\n" + std::string(line), "prices.csv");
    ASSERT_FALSE(added) << line;
    EXPECT_EQ(added.error().kind, ErrorKind::kInvalidData) << line;
    EXPECT_EQ(added.error().where, "prices.csv:2") << line;
    EXPECT_TRUE(book.all().empty()) << line;
  }
}

}  // namespace
}  // namespace vecmill::ledger
