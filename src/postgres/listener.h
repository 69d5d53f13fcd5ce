#pragma once

#include <chrono>
#include <memory>
#include <stop_token>
#include <string>

#include "vecmill/postgres/connection.h"
#include "vecmill/postgres/table.h"
#include "vecmill/postgres/url.h"
#include "vecmill/result.h"

namespace vecmill::postgres {

/// What a statement that changes a table's rows notifies, where our trigger is on it.
[[nodiscard]] std::string channel_of(const Table& table);

/// Makes the trigger where it is missing: after each statement that inserts rows or updates the
/// column. It takes a lock for a moment, which waits for transactions that write to the table.
///   errors  kAuth: not the user's table; kUnsupported: a view
Status make_trigger(Connection& connection, const Table& table, const std::string& column);

Result<bool> has_trigger(Connection& connection, const Table& table);

/// A session of its own that sleeps until somebody notifies a channel.
class Listener {
 public:
  ///   errors  those of Connection::open
  static Result<Listener> open(const Url& url, const std::string& channel);
  Listener(Listener&&) noexcept;
  Listener& operator=(Listener&&) noexcept;
  ~Listener();

  /// True: notified, or the session was lost, so that something may have been missed; the next call
  /// makes another. False: the time is over, or told to stop.
  bool wait(std::chrono::milliseconds at_most, const std::stop_token& stop);

 private:
  struct State;
  explicit Listener(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace vecmill::postgres
