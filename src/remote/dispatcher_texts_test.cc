// What one text, or many, that a server does not take may cost the others.
#include <gtest/gtest.h>

#include "vecmill/remote/dispatcher_testing.h"

namespace vecmill::remote {
namespace {

using policy::Outcome;
using std::chrono::minutes;
using std::chrono::seconds;

TEST(DispatcherTextsTest, ABadTextFailsAlone) {
  World world(options_of(), [&](const auto& send, Time) {
    for (const auto text : send.texts) {
      if (text == 17 || text == 500) return failure(Outcome::kBadInput, ErrorKind::kInvalidData);
    }
    return success(send);
  });
  world.add(0, 1000);
  world.run();
  EXPECT_EQ(world.done.size(), 998u);
  EXPECT_EQ(world.failed.at(17).kind, ErrorKind::kInvalidData);
  EXPECT_EQ(world.failed.at(500).kind, ErrorKind::kInvalidData);
}

TEST(DispatcherTextsTest, ManyBadTextsInFrontEndNothing) {
  const auto bad = [](std::uint64_t text) { return text < 80; };
  World world(options_of(), fails_on(bad, failure(Outcome::kBadInput, ErrorKind::kInvalidData)));
  world.add(0, 80, 9'000);
  world.add(80, 1'000);
  world.run();
  EXPECT_EQ(world.done.size(), 1'000u);
  for (const auto& [text, error] : world.failed) EXPECT_EQ(error.kind, ErrorKind::kInvalidData);
}

TEST(DispatcherTextsTest, OneTextThatIsTooLongTeachesNothingAboutSizes) {
  const auto bad = [](std::uint64_t text) { return text == 6; };
  World world(options_of(32), fails_on(bad, failure(Outcome::kTooLarge, ErrorKind::kTooLong)));
  world.add(0, 3'200);
  world.run();
  EXPECT_EQ(world.done.size(), 3'199u);
  EXPECT_LE(world.sent.size(), 130u) << "a hundred, and those that found it";
}

TEST(DispatcherTextsTest, ATextWhoseReplyIsNoReplyFailsAlone) {
  const auto bad = [](std::uint64_t text) { return text == 700; };
  World world(options_of(500),
              fails_on(bad, failure(Outcome::kTransient, ErrorKind::kInvalidData)));
  world.add(0, 1'000);
  const Time start = world.now;
  world.run();
  EXPECT_EQ(world.done.size(), 999u);
  EXPECT_EQ(world.failed.at(700).kind, ErrorKind::kInvalidData);
  EXPECT_LE(world.sent.size(), 2u + 2 * 9 + 9 + 6);
  EXPECT_LT(world.now - start, seconds(60)) << "it is no outage";
}

TEST(DispatcherTextsTest, AServerThatRepliesNonsenseToEverythingIsOut) {
  World world(options_of(), [](const auto&, Time) {
    return failure(Outcome::kTransient, ErrorKind::kInvalidData);
  });
  world.add(0, 2'000);
  world.run();
  EXPECT_LE(world.sent.size(), 60u) << "each of them may be billed";
  EXPECT_GE(std::ranges::count(world.failed, ErrorKind::kUnavailable,
                               [](const auto& one) { return one.second.kind; }),
            1'950);
}

TEST(DispatcherTextsTest, ATextThatBreaksTheServerIsFoundAndTheRestIsDone) {
  for (const std::uint64_t poison : {0U, 13U, 399U}) {
    const auto bad = [&](std::uint64_t text) { return text == poison; };
    World world(options_of(100), fails_on(bad, failure(Outcome::kTransient)));
    world.add(0, 400);
    world.run();
    EXPECT_EQ(world.done.size(), 399u) << poison;
    EXPECT_EQ(world.failed.at(poison).kind, ErrorKind::kInvalidData) << "no reason to end a run";
  }
}

TEST(DispatcherTextsTest, WhatIsTooMuchIsSplitAndTheSizeIsLearned) {
  std::uint64_t refused = 0;
  World world(options_of(100), [&](const auto& send, Time) {
    if (send.texts.size() <= 32) return success(send);
    ++refused;
    return failure(Outcome::kTooLarge);
  });
  world.add(0, 5000);
  world.run();
  EXPECT_EQ(world.done.size(), 5000u);
  EXPECT_LT(refused, 50u);
}

TEST(DispatcherTextsTest, WrongSettingsAreAskedOnce) {
  World world(options_of(), [](const auto&, Time) {
    CallResult result = failure(Outcome::kBadInput, ErrorKind::kInvalidArgument);
    result.settings = true;
    return result;
  });
  world.add(0, 5000);
  world.run();
  EXPECT_EQ(world.failed.size(), 5000u);
  EXPECT_LE(world.sent.size(), 5u);
  world.add(5000, 10);
  world.run();
  EXPECT_LE(world.sent.size(), 6u) << "who comes later asks for himself";
}

TEST(DispatcherTextsTest, WhenEveryTextIsRefusedItIsNotTheTexts) {
  World world(options_of(), [](const auto&, Time) { return failure(Outcome::kBadInput); });
  world.add(0, 5000);
  world.run();
  EXPECT_EQ(world.failed.size(), 5000u);
  EXPECT_EQ(world.failed.at(4999).kind, ErrorKind::kInvalidArgument);
  EXPECT_LE(world.sent.size(), 60u);
}

TEST(DispatcherTextsTest, WhatFailsAloneIsNoOutage) {
  World world(options_of(1), [](const auto& send, Time) {
    return send.texts.front() == 7 ? failure(Outcome::kTransient) : success(send);
  });
  world.add(0, 200);
  const Time start = world.now;
  world.run();
  EXPECT_EQ(world.failed.size(), 1u);
  EXPECT_LT(world.now - start, minutes(1));
}

}  // namespace
}  // namespace vecmill::remote
