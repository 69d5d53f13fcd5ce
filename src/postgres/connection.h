#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/postgres/url.h"
#include "vecmill/postgres/wire.h"
#include "vecmill/result.h"

namespace vecmill::postgres {

/// A parameter in the binary format. Of text that is its bytes.
struct Param {
  Oid type = kText;
  std::string bytes;
};

/// The answer to a statement. Values are what the server sends in its binary format: queries of
/// ours cast what they select to text or bytea, where that is the value itself, or to integers.
class Rows {
 public:
  explicit Rows(std::shared_ptr<void> result);  ///< a PGresult

  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] bool empty() const { return size() == 0; }
  [[nodiscard]] bool is_null(std::size_t row, std::size_t column) const;
  [[nodiscard]] std::string_view at(std::size_t row, std::size_t column) const;
  [[nodiscard]] std::uint64_t number(std::size_t row, std::size_t column) const;  ///< of text
  [[nodiscard]] std::int64_t integer(std::size_t row, std::size_t column) const;
  [[nodiscard]] bool yes(std::size_t row, std::size_t column) const;  ///< of a boolean as text
  [[nodiscard]] std::uint64_t affected() const;  ///< rows that the statement wrote

 private:
  std::shared_ptr<void> result_;
};

struct ConnectionOptions {
  /// How long a server that went away in mid-run is waited for, and a deadlock is tried again.
  std::chrono::milliseconds patience = std::chrono::seconds(60);
  /// How long one statement may take before it is given up.
  std::chrono::milliseconds deadline = std::chrono::minutes(10);
};

/// One session. Every statement given to `run` must be safe to run twice: after a lost connection
/// nobody knows whether it was committed, and it is run again.
class Connection {
 public:
  ///   errors  kUnavailable, kAuth, kNotFound (database), naming the URL without its password
  static Result<Connection> open(const Url& url, const ConnectionOptions& options = {});
  Connection(Connection&&) noexcept;
  Connection& operator=(Connection&&) noexcept;
  ~Connection();

  /// Runs one statement in its own transaction. Deadlocks, serialization failures and lost
  /// connections are tried again until the patience is over; the next call of a server that was
  /// waited for in vain tries once.
  ///   errors  by the SQLSTATE: kNotFound (table, column), kAuth (permission), kInvalidData,
  ///           kUnavailable, ...; of data errors the server's words are left out: they may quote it
  Result<Rows> run(const std::string& sql, std::span<const Param> params = {});

  /// As `run`, for a statement that may take hours.
  Result<Rows> run_long(const std::string& sql);

  /// Several statements without parameters, in one transaction.
  Status run_script(const std::string& sql);

  /// Host, port and database, as they were resolved: equal for two sessions in one place.
  [[nodiscard]] const std::string& place() const;
  [[nodiscard]] const std::string& shown() const;

 private:
  struct State;
  explicit Connection(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace vecmill::postgres
