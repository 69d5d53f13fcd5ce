#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "vecmill/remote/dispatcher.h"

namespace vecmill::remote {

inline CallResult success(const Dispatcher::Send& send) {
  CallResult result;
  result.outcome = policy::Outcome::kSuccess;
  for (const auto text : send.texts) result.embeddings.push_back({{static_cast<float>(text)}});
  result.tokens = 10 * send.texts.size();
  return result;
}

inline CallResult failure(policy::Outcome outcome, ErrorKind kind = ErrorKind::kUnavailable) {
  CallResult result;
  result.outcome = outcome;
  result.error = make_error(kind, "simulated");
  return result;
}

/// A server and a clock that jumps from event to event.
class World {
 public:
  using Server = std::function<CallResult(const Dispatcher::Send&, Time)>;

  World(const DispatcherOptions& options, Server server)
      : dispatcher_(*Dispatcher::create(options)), server_(std::move(server)) {}

  void add(std::uint64_t first, std::uint64_t count, std::uint64_t bytes = 100,
           std::optional<std::uint64_t> tokens = {}) {
    for (std::uint64_t i = first; i < first + count; ++i) {
      dispatcher_.add(now, i, bytes, Role::kDocument, tokens);
      open_.insert(i);
    }
  }

  void ask(std::uint64_t text) {
    dispatcher_.add(now, text, 100, Role::kQuery);
    open_.insert(text);
  }

  /// Until each text is done. Each is done once, and with its own vector.
  void run() {
    while (!open_.empty()) {
      while (auto send = dispatcher_.next(now)) {
        sent.push_back(now);
        replies_.emplace(now + latency, *std::move(send));
        most_in_flight = std::max(most_in_flight, replies_.size());
      }
      collect();
      if (open_.empty()) return;
      const Time wake = dispatcher_.wake();
      const Time reply = replies_.empty() ? policy::kNever : replies_.begin()->first;
      ASSERT_LT(std::min(wake, reply), policy::kNever) << "nothing will ever happen";
      ASSERT_TRUE(wake > now || reply <= now) << "asks again without a reason";
      now = std::max(now, std::min(wake, reply));
      if (reply <= now) answer();
    }
  }

  Time now = Time(std::chrono::seconds(1000));
  Duration latency = std::chrono::milliseconds(300);
  std::vector<Time> sent;
  std::size_t most_in_flight = 0;
  std::map<std::uint64_t, Error> failed;
  std::set<std::uint64_t> done;

 private:
  void answer() {
    const auto node = replies_.extract(replies_.begin());
    const auto call = node.mapped().call;
    dispatcher_.ended(now, call, server_(node.mapped(), now));
    dispatcher_.ended(now, call,
                      failure(policy::Outcome::kTransient));  // a second report changes nothing
    collect();
  }

  void collect() {
    for (auto& finished : dispatcher_.take_finished()) {
      ASSERT_EQ(open_.erase(finished.text), 1u) << "done twice";
      if (!finished.result) {
        failed.emplace(finished.text, finished.result.error());
        continue;
      }
      EXPECT_EQ(finished.result->vector[0], static_cast<float>(finished.text));
      done.insert(finished.text);
    }
  }

  Dispatcher dispatcher_;
  Server server_;
  std::multimap<Time, Dispatcher::Send> replies_;
  std::set<std::uint64_t> open_;
};

inline DispatcherOptions options_of(std::uint64_t texts_per_request = 20) {
  DispatcherOptions options;
  options.batch = {texts_per_request, 100'000, 1'000'000};
  return options;
}

/// A server that refuses, or breaks on, a request with one of these texts.
inline World::Server fails_on(const std::function<bool(std::uint64_t)>& bad,
                              const CallResult& how) {
  return [bad, how](const Dispatcher::Send& send, Time) {
    return std::ranges::any_of(send.texts, bad) ? how : success(send);
  };
}

}  // namespace vecmill::remote
