#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "vecmill/remote/dispatcher_testing.h"

namespace vecmill::remote {
namespace {

using policy::Outcome;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::Each;
using ::testing::SizeIs;

TEST(DispatcherTest, EachTextGetsItsOwnVectorWithFiveRequestsInFlight) {
  World world(options_of(), [](const auto& send, Time) { return success(send); });
  world.add(0, 1000);
  world.run();
  EXPECT_EQ(world.done.size(), 1000u);
  EXPECT_EQ(world.sent.size(), 50u);
  EXPECT_EQ(world.most_in_flight, 5u);
}

TEST(DispatcherTest, NoWindowHoldsMoreThanTheLimitAndLittleIsLeftUnused) {
  DispatcherOptions options = options_of(1);
  options.requests_per_minute = 300;
  World world(options, [](const auto& send, Time) { return success(send); });
  world.latency = milliseconds(50);
  world.add(0, 3000);
  world.run();
  for (std::size_t i = 300; i < world.sent.size(); ++i) {
    ASSERT_GT(world.sent[i] - world.sent[i - 300], minutes(1)) << i;
  }
  EXPECT_LT(world.sent.back() - world.sent.front(), seconds(620));
}

TEST(DispatcherTest, TextsAreLimitedWhereTheyAreWhatIsCounted) {
  DispatcherOptions options = options_of(96);
  options.inputs_per_minute = 2'000;
  World world(options, [](const auto& send, Time) { return success(send); });
  world.add(0, 10'000);
  world.run();
  EXPECT_EQ(world.done.size(), 10'000u);
  const Duration took = world.sent.back() - world.sent.front();
  EXPECT_GT(took, minutes(4));
  EXPECT_LT(took, minutes(7));
}

TEST(DispatcherTest, TokensAreLimitedByTheProvidersOwnMeter) {
  DispatcherOptions options = options_of(100);
  options.tokens_per_minute = 10'000;
  options.meters_bytes = true;
  World world(options, [](const auto& send, Time) { return success(send); });
  world.add(0, 1000, 400);  // 100,000 units of 4 bytes: 10 minutes, of which one is there at once
  world.run();
  EXPECT_EQ(world.done.size(), 1000u);
  const Duration took = world.sent.back() - world.sent.front();
  EXPECT_GT(took, minutes(8));
  EXPECT_LT(took, minutes(10));
}

TEST(DispatcherTest, WhereTokensAreSentTheyAreWhatTheMeterCounts) {
  for (const std::uint64_t tokens : {50U, 200U}) {
    DispatcherOptions options = options_of(100);
    options.tokens_per_minute = 10'000;
    options.meters_bytes = options.sends_tokens = true;
    World world(options, [](const auto& send, Time) { return success(send); });
    world.add(0, 1000, 400, tokens);
    world.run();
    EXPECT_EQ(world.done.size(), 1000u);
    const Duration took = world.sent.back() - world.sent.front();
    EXPECT_GT(took, tokens == 50 ? minutes(3) : minutes(8));
    EXPECT_LT(took, tokens == 50 ? minutes(5) : minutes(10));
  }
}

TEST(DispatcherTest, ALongTextIsSentAloneIfAMinuteHasRoomForIt) {
  DispatcherOptions options = options_of();
  options.tokens_per_minute = 10'000;  // of which 2,500 are there at once
  World world(options, [](const auto& send, Time) { return success(send); });
  world.add(0, 1, 30'000, 10'000);
  world.add(1, 1, 30'000, 10'001);
  world.add(2, 1, 100'000);  // what is only estimated is the server's to judge
  world.run();
  EXPECT_EQ(world.done, (std::set<std::uint64_t>{0, 2}));
  EXPECT_EQ(world.failed.at(1).kind, ErrorKind::kTooLong);
}

TEST(DispatcherTest, FaultsNowAndThenCostNothing) {
  std::uint64_t sent = 0;
  World world(options_of(), [&](const auto& send, Time) {
    return ++sent % 20 == 0 ? failure(Outcome::kTransient) : success(send);
  });
  world.add(0, 6000);
  world.run();
  EXPECT_EQ(world.done.size(), 6000u);
  EXPECT_LT(world.sent.size(), 350u);
}

TEST(DispatcherTest, ManyFaultsTakeTimeAndNoText) {
  for (const std::uint64_t texts : {1U, 20U}) {
    policy::Random random(texts);
    World world(options_of(texts), [&](const auto& send, Time) {
      return random.below(10) < 3 ? failure(Outcome::kTransient) : success(send);
    });
    world.add(0, 2'000 * texts);
    world.run();
    EXPECT_GE(world.done.size(), 1'998 * texts);
    EXPECT_LE(world.sent.size(), 3'200u);
  }
}

TEST(DispatcherTest, QuestionsGoFirst) {
  Dispatcher dispatcher = *Dispatcher::create(options_of());
  const Time now(seconds(1000));
  for (std::uint64_t i = 0; i < 200; ++i) dispatcher.add(now, i, 100, Role::kDocument);
  dispatcher.add(now, 200, 100, Role::kQuery);
  const auto first = dispatcher.next(now + seconds(1));
  ASSERT_TRUE(first);
  EXPECT_EQ(first->role, Role::kQuery);
}

TEST(DispatcherTest, ARefusedKeyEndsAllAtOnce) {
  World world(options_of(),
              [](const auto&, Time) { return failure(Outcome::kKeyRefused, ErrorKind::kAuth); });
  world.add(0, 5000);
  world.run();
  world.add(5000, 100);
  world.run();
  EXPECT_EQ(world.failed.size(), 5100u);
  EXPECT_EQ(world.failed.at(5050).kind, ErrorKind::kAuth);
  EXPECT_LE(world.sent.size(), 5u);
}

TEST(DispatcherTest, NothingIsSentBeforeTheServersTime) {
  World world(options_of(), [&](const auto& send, Time now) {
    if (now >= Time(seconds(1030))) return success(send);
    CallResult result = failure(Outcome::kThrottled, ErrorKind::kLimited);
    result.retry_after = Time(seconds(1030)) - now;
    return result;
  });
  world.add(0, 400);
  world.run();
  EXPECT_EQ(world.done.size(), 400u);
  for (const Time sent : world.sent) {
    EXPECT_TRUE(sent < Time(milliseconds(1'000'400)) || sent >= Time(seconds(1030)));
  }
}

TEST(DispatcherTest, AnOutageIsWaitedForWithHardlyARequest) {
  const Time back(minutes(20));
  std::uint64_t lost = 0;
  DispatcherOptions options = options_of();
  options.retry.attempts = 2;  // of which an outage takes none
  World world(options, [&](const auto& send, Time now) {
    if (now >= back) return success(send);
    ++lost;
    return failure(Outcome::kTransient);
  });
  world.add(0, 2000);
  world.run();
  EXPECT_EQ(world.done.size(), 2000u);
  EXPECT_LT(lost, 20u);
}

TEST(DispatcherTest, PatienceIsWhatWasAskedFor) {
  for (const auto& [patience, texts] :
       {std::pair(minutes(120), 2000U), std::pair(minutes(120), 1U), std::pair(minutes(10), 0U)}) {
    DispatcherOptions options = options_of();
    options.patience = patience;
    std::uint64_t lost = 0;
    World world(options, [&](const auto& send, Time now) {
      if (now >= Time(seconds(1000) + minutes(100))) return success(send);
      ++lost;
      return failure(Outcome::kTransient);
    });
    world.add(0, std::max(texts, 1U));
    world.run();
    EXPECT_EQ(world.done.size(), texts) << "they go on by themselves";
    EXPECT_LT(lost, 110u);
  }
}

TEST(DispatcherTest, AQuestionDoesNotWaitForAServer) {
  Dispatcher dispatcher = *Dispatcher::create(options_of());
  Time now(seconds(1000));
  dispatcher.add(now, 0, 100, Role::kQuery);
  std::vector<Dispatcher::Finished> finished;
  for (int sent = 0; finished.empty(); finished = dispatcher.take_finished()) {
    if (const auto send = dispatcher.next(now)) {
      ASSERT_LE(++sent, 4);
      dispatcher.ended(now, send->call, failure(Outcome::kTransient));
    } else {
      now = dispatcher.wake();
    }
  }
  EXPECT_LT(now, Time(seconds(1010)));
}

TEST(DispatcherTest, AQuestionDoesNotWaitForTheBudgetOfRetries) {
  DispatcherOptions options = options_of(1);
  options.breaker.failures = 1'000;  // no outage
  Dispatcher dispatcher = *Dispatcher::create(options);
  Time now(seconds(1000));
  const auto fail_all = [&] {
    while (const auto send = dispatcher.next(now)) {
      dispatcher.ended(now, send->call, failure(Outcome::kTransient));
    }
  };
  for (std::uint64_t i = 1; i <= 20; ++i) dispatcher.add(now, i, 100, Role::kDocument);
  now += seconds(10);
  fail_all();  // takes all the credit
  EXPECT_THAT(dispatcher.take_finished(), SizeIs(0)) << "documents wait";
  dispatcher.add(now, 0, 100, Role::kQuery);
  now += seconds(1);
  fail_all();
  const auto finished = dispatcher.take_finished();
  ASSERT_THAT(finished, SizeIs(1));
  EXPECT_EQ(finished[0].text, 0u);
}

TEST(DispatcherTest, AFaultAfterAnOutageIsTriedAgain) {
  const Time back(seconds(1030));  // one probe later
  int after = 0;
  World world(options_of(), [&](const auto& send, Time now) {
    if (now >= back) ++after;
    return after != 1 && after <= 3 ? failure(Outcome::kTransient) : success(send);
  });
  world.add(0, 40);
  world.run();
  EXPECT_EQ(world.done.size(), 40u);
}

TEST(DispatcherTest, AQuestionIsKeptInAnOutage) {
  DispatcherOptions options = options_of();
  options.breaker.failures = 1;
  options.retry.attempts = 2;  // of which an outage takes none
  World world(options, [&](const auto& send, Time now) {
    return now >= Time(minutes(20)) ? success(send) : failure(Outcome::kTransient);
  });
  world.ask(0);
  world.run();
  EXPECT_EQ(world.done.size(), 1u);
  EXPECT_GT(world.sent.size(), 2u);
}

TEST(DispatcherTest, AQuestionMayFailAfterAnOutageAsOftenAsBefore) {
  DispatcherOptions options = options_of(1);
  options.retry.attempts = 2;
  Dispatcher dispatcher = *Dispatcher::create(options);
  Time now(seconds(1000));
  dispatcher.add(now, 0, 100, Role::kQuery);
  for (std::uint64_t i = 1; i < 5; ++i) dispatcher.add(now, i, 100, Role::kDocument);
  while (const auto send = dispatcher.next(now)) {
    dispatcher.ended(now, send->call, failure(Outcome::kTransient));
  }
  dispatcher.add(now, 5, 100, Role::kDocument);  // and asks whether the outage is over
  ASSERT_FALSE(dispatcher.next(now));
  now += minutes(2);
  bool failed = false;
  while (const auto send = dispatcher.next(now)) {
    const bool fails = send->role == Role::kQuery && !std::exchange(failed, true);
    dispatcher.ended(now, send->call, fails ? failure(Outcome::kTransient) : success(*send));
    now += seconds(1);
  }
  ASSERT_TRUE(failed);
  const auto finished = dispatcher.take_finished();
  ASSERT_THAT(finished, SizeIs(6));
  for (const auto& each : finished) EXPECT_TRUE(each.result) << each.text;
}

TEST(DispatcherTest, APauseIsNoPartOfAnOutage) {
  World world(options_of(), [](const auto& send, Time now) {
    return now < Time(minutes(40)) ? failure(Outcome::kTransient) : success(send);
  });
  world.add(0, 20);
  world.run();
  EXPECT_EQ(world.failed.size(), 20u);
  world.now = Time(minutes(35));
  world.add(20, 2000);
  world.run();
  EXPECT_EQ(world.done.size(), 2000u);
}

TEST(DispatcherTest, AnOutageWithoutEndIsGivenUp) {
  World world(options_of(), [](const auto&, Time) { return failure(Outcome::kTransient); });
  world.add(0, 2000);
  const Time start = world.now;
  world.run();
  EXPECT_EQ(world.failed.size(), 2000u);
  EXPECT_EQ(world.failed.at(1999).kind, ErrorKind::kUnavailable);
  EXPECT_LT(world.now - start, minutes(25));
}

/// Hands out what it has at one moment.
std::vector<Dispatcher::Send> all_of(Dispatcher& dispatcher, Time now) {
  std::vector<Dispatcher::Send> sends;
  while (auto send = dispatcher.next(now)) sends.push_back(*std::move(send));
  return sends;
}

constexpr Time kNow = Time(seconds(1000));

Dispatcher with_texts(std::uint64_t texts) {
  DispatcherOptions options = options_of(4);
  options.in_flight = 2;
  Dispatcher dispatcher = *Dispatcher::create(options);
  for (std::uint64_t i = 0; i < texts; ++i) dispatcher.add(kNow, i, 100, Role::kDocument);
  return dispatcher;
}

const Error kNoMoney = make_error(ErrorKind::kLimited, "the purse is empty");

TEST(DispatcherTest, WhatIsPostponedTakesNothingAndComesBackInTime) {
  Dispatcher dispatcher = with_texts(8);
  for (const auto& send : all_of(dispatcher, kNow)) {
    dispatcher.postponed(send.call, kNow + minutes(5));
  }
  EXPECT_EQ(dispatcher.wake(), kNow + minutes(5));
  EXPECT_THAT(all_of(dispatcher, kNow + minutes(4)), SizeIs(0));
  const auto again = all_of(dispatcher, kNow + minutes(5));
  ASSERT_THAT(again, SizeIs(2));
  for (const auto& send : again) dispatcher.ended(kNow + minutes(6), send.call, success(send));
  EXPECT_THAT(dispatcher.take_finished(), SizeIs(8));
}

TEST(DispatcherTest, WhatIsTooDearWaitsForTheOthers) {
  Dispatcher dispatcher = with_texts(8);
  const auto sends = all_of(dispatcher, kNow);
  ASSERT_THAT(sends, SizeIs(2));
  dispatcher.unaffordable(sends[1].call, kNoMoney);
  EXPECT_EQ(dispatcher.wake(), policy::kNever);
  EXPECT_THAT(all_of(dispatcher, kNow + minutes(1)), SizeIs(0));
  dispatcher.ended(kNow + minutes(1), sends[0].call, success(sends[0]));
  const auto again = all_of(dispatcher, kNow + minutes(1));
  ASSERT_THAT(again, SizeIs(1));
  EXPECT_EQ(again[0].texts, sends[1].texts);
}

TEST(DispatcherTest, NothingOvertakesWhatWaitsForMoney) {
  Dispatcher dispatcher = with_texts(12);
  const auto first = dispatcher.next(kNow), second = dispatcher.next(kNow);
  ASSERT_TRUE(first && second);
  dispatcher.unaffordable(second->call, kNoMoney);
  EXPECT_FALSE(dispatcher.next(kNow)) << "the third is further behind";
  EXPECT_EQ(dispatcher.wake(), policy::kNever);
  dispatcher.ended(kNow, first->call, success(*first));
  const auto again = dispatcher.next(kNow);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->texts, second->texts);
}

TEST(DispatcherTest, TheLastMoneyGoesIntoSmallerRequests) {
  Dispatcher dispatcher = with_texts(8);
  std::size_t money = 7, smallest = 8;
  std::set<std::uint64_t> done;
  while (auto send = dispatcher.next(kNow)) {
    smallest = std::min(smallest, send->texts.size());
    if (send->texts.size() > money) {
      dispatcher.unaffordable(send->call, kNoMoney);
      continue;
    }
    money -= send->texts.size();
    done.insert(send->texts.begin(), send->texts.end());
    dispatcher.ended(kNow, send->call, success(*send));
  }
  EXPECT_EQ(money, 0u);
  EXPECT_EQ(smallest, 1u);
  std::size_t failed = 0;
  for (const auto& finished : dispatcher.take_finished()) {
    EXPECT_EQ(finished.result.has_value(), done.contains(finished.text));
    if (finished.result) continue;
    ++failed;
    EXPECT_EQ(finished.result.error().message, kNoMoney.message);
  }
  EXPECT_EQ(failed, 1u);
}

TEST(DispatcherTest, WhatIsAbandonedEndsAllTexts) {
  Dispatcher dispatcher = with_texts(12);
  const auto sends = all_of(dispatcher, kNow);
  dispatcher.abandoned(sends[0].call, kNoMoney);
  EXPECT_THAT(dispatcher.take_finished(), SizeIs(8));
  dispatcher.ended(kNow, sends[1].call, success(sends[1]));
  const auto last = dispatcher.take_finished();
  EXPECT_THAT(last, SizeIs(4));
  EXPECT_TRUE(last[0].result);
  dispatcher.add(kNow, 99, 100, Role::kDocument);
  EXPECT_THAT(all_of(dispatcher, kNow + minutes(1)), SizeIs(1)) << "who comes later asks again";
}

TEST(DispatcherTest, WhatIsCancelledIsNotSentAndTheRestGoesOn) {
  Dispatcher dispatcher = with_texts(14);  // 0-3 and 4-7 on their way, 8-11 the next, 12-13 behind
  const auto sends = all_of(dispatcher, kNow);
  ASSERT_THAT(sends, SizeIs(2));
  dispatcher.ended(kNow, sends[0].call, failure(Outcome::kTransient));  // 0-3 wait for another try
  dispatcher.cancel(2, 10, kNoMoney);
  std::set<std::uint64_t> cancelled;
  for (const auto& finished : dispatcher.take_finished()) {
    EXPECT_FALSE(finished.result);
    cancelled.insert(finished.text);
  }
  EXPECT_EQ(cancelled, (std::set<std::uint64_t>{2, 3, 8, 9}));
  dispatcher.ended(kNow, sends[1].call, success(sends[1]));
  EXPECT_THAT(dispatcher.take_finished(), SizeIs(4));
  std::set<std::uint64_t> sent;
  for (const auto& send : all_of(dispatcher, kNow + minutes(10))) {
    sent.insert(send.texts.begin(), send.texts.end());
    dispatcher.ended(kNow + minutes(10), send.call, success(send));
  }
  for (const auto& send : all_of(dispatcher, kNow + minutes(20))) {
    sent.insert(send.texts.begin(), send.texts.end());
  }
  EXPECT_EQ(sent, (std::set<std::uint64_t>{0, 1, 10, 11, 12, 13}));
  dispatcher.cancel(0, 100, kNoMoney);
  EXPECT_THAT(dispatcher.take_finished(), SizeIs(4)) << "what is on its way ends by itself";
}

TEST(DispatcherTest, WhatIsNotHandedOutCannotBeGivenBack) {
  Dispatcher dispatcher = with_texts(4);
  dispatcher.postponed(77, kNow);
  dispatcher.unaffordable(77, kNoMoney);
  dispatcher.abandoned(77, kNoMoney);
  EXPECT_THAT(dispatcher.take_finished(), SizeIs(0));
  EXPECT_THAT(all_of(dispatcher, kNow), SizeIs(1));
}

}  // namespace
}  // namespace vecmill::remote
