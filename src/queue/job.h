#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vecmill::queue {

/// Of the queue's own clock; handed in with each call, so that nothing in here waits or looks.
using Time = std::chrono::sys_time<std::chrono::milliseconds>;
using Duration = std::chrono::milliseconds;
using JobId = std::uint64_t;

/// A class is an hour ahead of the one below it: a job goes before those of the class below that
/// were due less than an hour before it. So none starves: what waits for an hour is overtaken by
/// what is new of one class less.
enum class Priority : std::uint8_t { kLow, kNormal, kHigh, kUrgent };
inline constexpr std::chrono::hours kHeadStart{1};

enum class State : std::uint8_t {
  kWaiting,  ///< may be claimed
  kDelayed,  ///< not before `due`
  kLeased,   ///< somebody's until `lease_ends`
  kDone,
  kDead,       ///< given up, with a cause; `redrive` begins it anew
  kCancelled,  ///< before it was done
};

[[nodiscard]] constexpr std::string_view name(State state) {
  constexpr std::string_view kNames[] = {"waiting", "delayed", "leased",
                                         "done",    "dead",    "cancelled"};
  return kNames[static_cast<std::size_t>(state)];
}

struct NewJob {
  std::string payload;  ///< any bytes
  Priority priority = Priority::kNormal;
  Time due = {};           ///< not before
  std::string group = {};  ///< of one `submit` of a user
  /// Empty: none. While a job of this key is not ended, another one is that job.
  std::string key = {};
  std::uint32_t attempts = 3;  ///< failures that it is allowed, the last one included
};

/// The right to end a job. A later claim of the same job has another one, and this is void.
struct Lease {
  JobId job = 0;
  std::uint32_t attempt = 0;  ///< how often it was claimed
  std::uint64_t token = 0;    ///< grows with each claim from a queue

  friend bool operator==(const Lease&, const Lease&) = default;
};

struct Claimed {
  Lease lease;
  std::string payload;
  std::string group;
  Priority priority = Priority::kNormal;
  std::uint32_t failures = 0;  ///< before this claim
  std::uint32_t crashes = 0;   ///< leases of it that ran out
  std::uint32_t attempts = 0;  ///< as of NewJob
};

struct Failure {
  Lease lease;
  std::string cause;                  ///< a word to group by: "too_long"
  std::string message;                ///< for people; never a text
  std::optional<Time> retry_at = {};  ///< none: dead at once
};

struct JobInfo {
  JobId id = 0;
  State state = State::kWaiting;
  Priority priority = Priority::kNormal;
  std::string group, key, payload;
  std::uint32_t claims = 0, failures = 0, crashes = 0, attempts = 0;
  Time made = {}, due = {};
  Time lease_ends = {};  ///< kLeased
  Time ended = {};       ///< kDone, kDead, kCancelled
  std::string worker;    ///< the last that claimed it
  std::string cause, message;
};

/// Which jobs; a member that is empty asks for nothing.
struct JobFilter {
  std::vector<JobId> ids = {};
  std::string group = {};
  std::string cause = {};
  std::optional<State> state = {};
  JobId after = 0;  ///< larger ids only: to read on
};

struct Count {
  std::string group;
  State state = State::kWaiting;
  std::uint64_t jobs = 0;
};

struct DeadCount {
  std::string cause;
  std::uint64_t jobs = 0;
  Time first = {}, last = {};  ///< when they died
};

}  // namespace vecmill::queue
