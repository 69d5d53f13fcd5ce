#include "vecmill/ledger/advice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <list>
#include <random>

#include "vecmill/ledger/repeats.h"
#include "vecmill/ledger/testing.h"

namespace vecmill::ledger {
namespace {

using testing::HasSubstr;

enum : std::uint64_t { kA = 1, kB, kC };

/// Dollars per million tokens are thousands of billionths a token.
PriceBook prices() {
  PriceBook book;
  EXPECT_TRUE(
      book.add("paid,big,2026-01-01,4,2,s,256 512 1024\npaid,mid,2026-01-01,2,,s\n"
               "paid,small,2026-01-01,1,,s\npaid,plain,2026-01-01,1\n"
               "other,tiny,2026-01-01,0.1,,s\n",
               "prices"));
  return book;
}

class AdviceTest : public LedgerFolder {
 protected:
  void call(const std::string& model, const std::vector<TextUse>& texts, const Settlement& end,
            std::uint32_t dims = 1024, bool urgent = true) {
    Call c{.provider = "paid", .model = model, .dims = dims, .urgent = urgent, .texts = texts};
    c.most_tokens = 1'000;
    ASSERT_TRUE(ledger_->settle(ledger_->intent(c, kNoon)->call, end));
  }

  /// "model saves: text" a line.
  std::vector<std::string> advice(const AdviceOptions& options = {}) {
    std::vector<std::string> lines;
    const auto all = advise(**open_call_log(place_), prices(), options);
    for (const Advice& a : all.value())
      lines.push_back(a.model + " " + std::to_string(a.saves) + ": " + a.text);
    return lines;
  }

  std::unique_ptr<Ledger> ledger_ = std::move(*open_ledger({place_, prices()}));
};

Settlement billed(std::uint64_t tokens) { return {Bill::kBilled, tokens}; }

TEST_F(AdviceTest, TextsThatWerePaidForTwice) {
  call("plain", {{kA, 10}, {kB, 20}, {kA, 10}}, billed(40));  // A again: 10,000
  call("plain", {{kC, 5}}, billed(5));
  // Billed twice of what was counted: A 20,000, one other text since; B 40,000, two since.
  call("plain", {{kA, 10}, {kB, 20}}, billed(60));
  const auto duplicates = [](const char* sum) {
    return std::string("paid:plain ") + sum +
           ": texts were sent that had been paid for: let the cache see every text";
  };
  const auto size = [](const char* sum) {
    return std::string("paid:plain ") + sum +
           ": texts were sent again that had been dropped: give the cache room for 3 vectors";
  };
  using testing::ElementsAre;
  EXPECT_THAT(advice({.cache_vectors = 0}), ElementsAre(size("60000"), duplicates("10000")));
  EXPECT_THAT(advice({.cache_vectors = 1}), ElementsAre(size("60000"), duplicates("10000")));
  EXPECT_THAT(advice({.cache_vectors = 2}), ElementsAre(size("40000"), duplicates("30000")));
  EXPECT_THAT(advice({.cache_vectors = 3}), ElementsAre(duplicates("70000")));
  EXPECT_THAT(advice({.from = kTomorrow}), ElementsAre());
}

TEST_F(AdviceTest, ACheaperModelOfTheSameSpace) {
  call("big", {{kA, 100}}, billed(100));  // 400,000; of small 100,000
  call("mid", {{kB, 10}}, billed(10));    // 20,000; of small 10,000
  call("small", {{kC, 10}}, billed(10));  // the cheapest
  call("plain", {{kC, 10}}, billed(10));  // of no space
  call("big", {{kC, 50}}, {Bill::kNotBilled});
  call("big", {{kC, 50}}, {Bill::kUnknown});
  const std::string use = ": use small: its vectors are of the same space; check the quality";
  EXPECT_THAT(advice({.cache_vectors = 0}), testing::Contains("paid:big 300000" + use));
  EXPECT_THAT(advice(), testing::Contains("paid:mid 10000" + use));
  EXPECT_THAT(advice(), testing::Not(testing::Contains(HasSubstr("paid:small"))));
}

TEST_F(AdviceTest, TheBatchApi) {
  call("big", {{kA, 100}}, billed(100), 256, false);  // 400,000; in a batch 200,000
  call("big", {{kB, 100}}, billed(100), 256, true);
  call("mid", {{kC, 100}}, billed(100), 256, false);  // has none
  EXPECT_THAT(advice(), testing::Contains("paid:big 200000: nobody waited for these calls: the "
                                          "batch API of the provider is cheaper"));
  EXPECT_THAT(advice(), testing::Not(testing::Contains(HasSubstr("paid:mid 0"))));
}

TEST_F(AdviceTest, SmallerVectors) {
  call("big", {{kA, 1}, {kB, 1}, {kA, 1}}, billed(3), 1024);
  call("big", {{kC, 1}}, billed(1), 256);     // the smallest
  call("plain", {{kC, 1}}, billed(1), 1024);  // no other size is known
  // Two vectors lose 512 numbers of four bytes: 4,096 bytes at 1,000 dollars for 10^9 a month.
  const std::string line =
      "paid:big 4096000: make vectors of 512 dimensions: less to store; check the quality";
  EXPECT_THAT(advice({.gigabyte_month = 1'000'000'000'000}), testing::Contains(line));
  EXPECT_THAT(advice({.gigabyte_month = 1'000'000'000'000}),
              testing::Not(testing::Contains(HasSubstr("paid:plain 4"))));
  EXPECT_THAT(advice(), testing::Not(testing::Contains(HasSubstr("dimensions"))));
}

TEST(ReuseDistanceTest, IsThatOfAListOfUses) {
  std::mt19937 random(1);
  for (int round = 0; round < 20; ++round) {
    ReuseDistance distances;
    std::list<std::uint64_t> latest_first;
    for (int i = 0; i < 400; ++i) {
      const std::uint64_t key = random() % (5 + 20 * static_cast<unsigned>(round));
      const auto found = std::find(latest_first.begin(), latest_first.end(), key);
      std::optional<std::uint64_t> expected;
      if (found != latest_first.end()) {
        expected = static_cast<std::uint64_t>(std::distance(latest_first.begin(), found));
        latest_first.erase(found);
      }
      latest_first.push_front(key);
      ASSERT_EQ(distances.use(key), expected);
    }
  }
}

}  // namespace
}  // namespace vecmill::ledger
