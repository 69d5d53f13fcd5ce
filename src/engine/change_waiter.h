#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "vecmill/engine.h"
#include "vecmill/result.h"

namespace vecmill::engine {

/// Sleeps until an input may have changed. It watches from its making on: what changes while the
/// input is read ends the next wait at once.
class ChangeWaiter {
 public:
  virtual ~ChangeWaiter() = default;

  /// Returns when there may be something new, when `at_most` is over and that is how it finds out,
  /// or when it is told to stop.
  virtual void wait(std::chrono::milliseconds at_most, const std::stop_token& stop) = 0;

  /// What its user should know of how it finds out; mostly empty.
  [[nodiscard]] virtual std::string note() const { return {}; }
};

/// Sleeps; false: told to stop.
bool sleep_for(std::chrono::milliseconds time, const std::stop_token& stop);

/// For the inputs of a job: a table notifies, where it has our trigger; files are compared by name,
/// size and time; all else is looked at each time.
///   errors  those of opening the table or listing the files
Result<std::unique_ptr<ChangeWaiter>> make_change_waiter(const EmbedJob& job);

}  // namespace vecmill::engine
