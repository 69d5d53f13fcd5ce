#pragma once

#include <cstddef>
#include <cstdint>

#include "vecmill/queue/job.h"

namespace vecmill::queue {

/// A job as a row, the same in every backend: id, state, priority, group, key, payload, claims,
/// failures, crashes, attempts, made, due, lease_ends, ended, worker, cause, message.
inline constexpr std::size_t kJobColumns = 17;

/// `number` and `words` give the next column, as an integer or as bytes.
template <class Number, class Words>
JobInfo read_job_row(Number number, Words words) {
  const auto count = [&] { return static_cast<std::uint32_t>(number()); };
  const auto time = [&] { return Time(Duration(number())); };
  JobInfo job;
  job.id = static_cast<JobId>(number());
  job.state = static_cast<State>(number());
  job.priority = static_cast<Priority>(number());
  job.group = words();
  job.key = words();
  job.payload = words();
  job.claims = count();
  job.failures = count();
  job.crashes = count();
  job.attempts = count();
  job.made = time();
  job.due = time();
  job.lease_ends = time();
  job.ended = time();
  job.worker = words();
  job.cause = words();
  job.message = words();
  return job;
}

}  // namespace vecmill::queue
