#include "vecmill/policy/batch_planner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <map>

#include "vecmill/policy/checker.h"
#include "vecmill/policy/random.h"

namespace vecmill::policy {
namespace {

using namespace std::chrono_literals;

constexpr Time kStart{1h};
constexpr BatchSize kAny = {1'000, 1'000'000, 1'000'000};

std::vector<std::uint64_t> ids(const std::optional<Batch>& batch) {
  std::vector<std::uint64_t> found;
  if (!batch) return found;
  for (const Piece& piece : batch->pieces) found.push_back(piece.id);
  return found;
}

using Ids = std::vector<std::uint64_t>;

BatchPlanner planner_of(const BatchSize& limits, std::uint64_t texts) {
  BatchPlanner planner(limits, 10ms);
  for (std::uint64_t id = 0; id < texts; ++id) planner.add(kStart, {id, 10, 100});
  return planner;
}

TEST(BatchPlannerTest, CutsByTextsTokensAndBytes) {
  for (const BatchSize& limits :
       {BatchSize{2, 1'000, 10'000}, BatchSize{100, 29, 10'000}, BatchSize{100, 1'000, 200}}) {
    BatchPlanner planner = planner_of(limits, 5);
    EXPECT_EQ(ids(planner.next(kStart)), (Ids{0, 1}));
    EXPECT_EQ(ids(planner.next(kStart)), (Ids{2, 3}));
    EXPECT_FALSE(planner.next(kStart)) << "the last one waits for company";
    planner.finish();
    EXPECT_EQ(ids(planner.next(kStart)), (Ids{4}));
    EXPECT_EQ(planner.wake(), kNever);
  }
}

TEST(BatchPlannerTest, AFullRequestDoesNotWaitForTheTextThatCannotComeAlong) {
  BatchPlanner planner = planner_of({3, 1'000, 10'000}, 3);
  EXPECT_EQ(ids(planner.next(kStart)), (Ids{0, 1, 2}));
}

TEST(BatchPlannerTest, WhatIsDroppedIsNotSent) {
  BatchPlanner planner = planner_of({4, 1'000, 10'000}, 6);
  const Batch batch = *planner.next(kStart);
  ASSERT_TRUE(planner.refused(batch, Outcome::kBadInput));  // halves 0, 1 and 2, 3
  int asked = 0;
  planner.drop([&](std::uint64_t id) { return ++asked, id < 3 || id == 5; });
  EXPECT_EQ(asked, 6);
  planner.finish();
  EXPECT_EQ(ids(planner.next(kStart)), (Ids{3}));
  EXPECT_EQ(ids(planner.next(kStart)), (Ids{4}));
  EXPECT_FALSE(planner.next(kNever));
}

TEST(BatchPlannerTest, LingersForCompanyAndNoLonger) {
  BatchPlanner planner(kAny, 10ms);
  EXPECT_EQ(planner.wake(), kNever);
  EXPECT_FALSE(planner.next(kNever)) << "there is nothing, ever";
  planner.add(kStart, {1, 10, 100});
  planner.add(kStart + 9ms, {2, 10, 100});
  EXPECT_EQ(planner.wake(), kStart + 10ms);
  EXPECT_FALSE(planner.next(kStart + 9ms));
  EXPECT_EQ(ids(planner.next(kStart + 10ms)), (Ids{1, 2}));
  EXPECT_FALSE(planner.next(kNever));
}

TEST(BatchPlannerTest, ATextAboveTheLimitsGoesAlone) {
  BatchPlanner planner(kAny, 0ms);
  for (const std::uint64_t tokens : {10U, 2'000'000U, 10U})
    planner.add(kStart, {tokens, tokens, 1});
  EXPECT_EQ(ids(planner.next(kStart)), (Ids{10}));
  EXPECT_EQ(ids(planner.next(kStart)), (Ids{2'000'000}));
  EXPECT_EQ(ids(planner.next(kStart)), (Ids{10}));
}

TEST(BatchPlannerTest, ATextAboveTheLimitsThatIsTakenRaisesNone) {
  BatchPlanner planner({10, 100, 100}, 0ms);
  planner.add(kStart, {0, 200, 200});
  planner.accepted(*planner.next(kStart));
  EXPECT_EQ(planner.limits(), (BatchSize{10, 100, 100}));
}

TEST(BatchPlannerTest, OneBadTextIsFoundByHalving) {
  for (std::uint64_t texts = 1; texts <= 33; ++texts) {
    for (std::uint64_t bad = 0; bad < texts; ++bad) {
      BatchPlanner planner = planner_of(kAny, texts);
      planner.finish();
      Ids done, failed;
      std::uint64_t sends = 0;
      while (const auto batch = planner.next(kStart)) {
        ++sends;
        const Ids sent = ids(batch);
        if (std::find(sent.begin(), sent.end(), bad) == sent.end()) {
          done.insert(done.end(), sent.begin(), sent.end());
        } else if (!planner.refused(*batch, Outcome::kBadInput)) {
          failed.push_back(sent.front());
        }
      }
      EXPECT_EQ(failed, Ids{bad});
      EXPECT_EQ(done.size(), texts - 1);
      EXPECT_LE(sends, 1U + 2U * static_cast<unsigned>(std::bit_width(texts - 1)));
      EXPECT_EQ(planner.limits(), kAny) << "a bad text says nothing of sizes";
    }
  }
}

TEST(BatchPlannerTest, LearnsFromWhatWasTooLarge) {
  BatchPlanner planner = planner_of({100, 1'000'000, 1'000'000}, 1'000);
  planner.finish();
  std::uint64_t refusals = 0;
  while (const auto batch = planner.next(kStart)) {
    if (batch->pieces.size() <= 32) {
      planner.accepted(*batch);
      continue;
    }
    ++refusals;
    EXPECT_TRUE(planner.refused(*batch, Outcome::kTooLarge));
  }
  EXPECT_EQ(planner.limits(), (BatchSize{32, 1'000'000, 1'000'000}));
  EXPECT_LE(refusals, 7U);
}

TEST(BatchPlannerTest, LearnsTheMeasureThatWasNearestToItsLimit) {
  struct Case {
    Piece piece;
    std::size_t learned;
  };
  for (const Case& c : {Case{{0, 1, 1}, 0}, Case{{0, 20, 1}, 1}, Case{{0, 1, 20}, 2}}) {
    BatchPlanner planner({10, 100, 100}, 0ms);
    for (int i = 0; i < 10; ++i) planner.add(kStart, c.piece);
    const auto batch = planner.next(kStart);
    EXPECT_TRUE(planner.refused(*batch, Outcome::kTooLarge));
    BatchSize expected = {10, 100, 100};
    expected[c.learned] /= 2;
    EXPECT_EQ(planner.limits(), expected);
  }
}

TEST(BatchPlannerTest, WhatATextThatIsTooLongSeemedToTeachIsForgotten) {
  const BatchSize most = {32, 1'000, 10'000};
  for (const std::uint64_t bad : {0U, 7U, 16U, 31U}) {
    BatchPlanner planner = planner_of(most, 32'000);
    planner.finish();
    std::size_t sends = 0;
    while (const auto batch = planner.next(kStart)) {
      ++sends;
      const bool is_in = std::ranges::any_of(
          batch->pieces, [&](const Piece& piece) { return piece.id % 10'000 == bad; });
      if (!is_in) {
        planner.accepted(*batch);
      } else if (!planner.refused(*batch, Outcome::kTooLarge)) {
        EXPECT_EQ(batch->pieces.size(), 1U);
      }
    }
    EXPECT_EQ(planner.limits(), most) << bad;
    EXPECT_LE(sends, 1'000U + 4 * 200) << bad;
  }
}

TEST(BatchPlannerTest, TheShortestIsTakenWhereverItWaits) {
  BatchPlanner planner({10, 100, 100}, 0ms);
  EXPECT_FALSE(planner.take_shortest());
  for (const std::uint64_t bytes : {5U, 3U, 9U, 4U}) planner.add(kStart, {bytes, 1, bytes});
  EXPECT_EQ(planner.take_shortest()->id, 3U);
  const auto batch = planner.next(kStart);
  EXPECT_TRUE(planner.refused(*batch, Outcome::kBadInput));
  EXPECT_EQ(planner.take_shortest()->id, 4U) << "in a half of what was refused";
  EXPECT_EQ(ids(planner.next(kStart)), (Ids{5}));
  EXPECT_EQ(ids(planner.next(kStart)), (Ids{9}));
}

TEST(BatchPlannerTest, UnlearnsWhatIsNoLongerTaken) {
  BatchPlanner planner = planner_of({16, 1'000, 10'000}, 16);
  const Batch batch = *planner.next(kStart);
  planner.accepted(batch);
  EXPECT_EQ(planner.limits()[0], 16U) << "the user's limit is never raised";
  EXPECT_TRUE(planner.refused(batch, Outcome::kTooLarge));
  EXPECT_EQ(planner.limits()[0], 8U);
}

TEST(BatchPlannerTest, OneTextTooLargeHasFailed) {
  BatchPlanner planner = planner_of(kAny, 1);
  planner.finish();
  const auto batch = planner.next(kStart);
  EXPECT_FALSE(planner.refused(*batch, Outcome::kTooLarge));
  EXPECT_EQ(planner.wake(), kNever);
}

TEST(BatchPlannerTest, AimsBelowTheLimitsWhenAsked) {
  BatchPlanner planner = planner_of(kAny, 5);
  planner.aim_at_tokens(20);
  EXPECT_EQ(planner.limits(), (BatchSize{1'000, 20, 1'000'000}));
  EXPECT_EQ(ids(planner.next(kStart)), (Ids{0, 1}));
  planner.aim_at_tokens(0);
  EXPECT_EQ(ids(planner.next(kStart)), (Ids{2}));
}

/// A provider that tells nobody its limits, and some texts that it never takes.
class World {
 public:
  explicit World(std::uint64_t seed)
      : random_(seed),
        limits_{1 + random_.below(200), 100 + random_.below(20'000), 1'000 + random_.below(50'000)},
        hidden_(limits_),
        linger_(random_.up_to(20ms)),
        planner_(limits_, linger_) {
    const std::size_t smaller = random_.below(kMeasures);
    hidden_[smaller] = 1 + random_.below(limits_[smaller]);
  }

  void run(std::size_t events) {
    for (std::size_t i = 0; i < events && !testing::Test::HasFailure(); ++i) {
      now_ += random_.up_to(2ms);
      while (planner_.wake() < now_) send(std::max(planner_.wake(), last_));
      const Piece piece{i, 1 + random_.below(limits_[1] / 10), 1 + random_.below(limits_[2] / 10)};
      waiting_.emplace(i, now_);
      planner_.add(now_, piece);
      last_ = now_;
    }
    planner_.finish();
    while (planner_.wake() != kNever) send(now_);
    EXPECT_TRUE(waiting_.empty()) << "texts were lost";
    // What is tried again is one of ever more requests.
    EXPECT_LE(learned_, 24U + requests_ / 50) << "it does not learn";
  }

 private:
  static bool is_bad(const Piece& piece) { return piece.id % 997 == 5; }

  void send(Time now) {
    if (planner_.wake() > last_ && planner_.wake() != kNever) {
      EXPECT_FALSE(planner_.next(planner_.wake() - 1ns)) << "too early";
    }
    const BatchSize allowed = planner_.limits();
    const auto batch = planner_.next(now);
    ASSERT_TRUE(batch) << "nothing at the moment it named";
    last_ = now;
    ++requests_;
    const BatchSize size = batch->size();
    const std::size_t texts = batch->pieces.size();
    if (texts > 1 && batch->pieces[0].id >= fresh_) {
      for (std::size_t i = 0; i < kMeasures; ++i) EXPECT_LE(size[i], allowed[i]);
    }
    bool bad = false;
    for (std::size_t i = 0; i < texts; ++i) {
      const Piece& piece = batch->pieces[i];
      bad = bad || is_bad(piece);
      ASSERT_EQ(waiting_.count(piece.id), 1U) << "sent again after it was done";
      if (i > 0) {
        EXPECT_EQ(piece.id, batch->pieces[i - 1].id + 1) << "not in order";
      }
      if (piece.id >= fresh_) {
        EXPECT_LE(now, waiting_.at(piece.id) + linger_) << "waited too long";
        fresh_ = piece.id + 1;
      }
    }
    answer(*batch, size, bad);
  }

  void answer(const Batch& batch, const BatchSize& size, bool bad) {
    const bool large = size[0] > hidden_[0] || size[1] > hidden_[1] || size[2] > hidden_[2];
    if (!bad && !large) {
      planner_.accepted(batch);
    } else if (planner_.refused(batch, large ? Outcome::kTooLarge : Outcome::kBadInput)) {
      learned_ += large && batch.pieces.back().id + 1 == fresh_ ? 1 : 0;
      return;
    } else {
      EXPECT_EQ(batch.pieces.size(), 1U);
    }
    for (const Piece& piece : batch.pieces) waiting_.erase(piece.id);
  }

  Random random_;
  BatchSize limits_, hidden_;
  Duration linger_;
  BatchPlanner planner_;
  Time now_ = kStart, last_ = kStart;
  std::map<std::uint64_t, Time> waiting_;
  std::uint64_t fresh_ = 0;  // ids from here on were never sent
  std::size_t requests_ = 0;
  std::size_t learned_ = 0;  // refusals of new requests for their size
};

TEST(BatchPlannerChecker, NoTextIsLostSentTwiceOrKeptWaiting) {
  check_seeds([](std::uint64_t seed) { World(seed).run(kCheckedEvents / kSeeds); });
}

}  // namespace
}  // namespace vecmill::policy
