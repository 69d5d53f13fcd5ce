#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "vecmill/base/database.h"
#include "vecmill/ledger/call_log.h"

namespace vecmill::ledger {

/// The SQLite file of a ledger: mode 0600 and the owner checked, one version, to which the one
/// before it is upgraded. A damaged one is an error and never begun anew: it is the only record of
/// what was spent.
///
/// calls:  one row each, never removed
/// totals: spent and held (open or unknown) by scope and day; always the sums of `calls`
/// alerts: what was told already
///   errors  kIo, kUnsupported: of another version or program, kInvalidData: damaged
Result<Database> open_ledger_file(const std::filesystem::path& path);

/// For those who only read.
///   errors  kNotFound as well
Result<Database> open_existing_ledger(const std::filesystem::path& path);

/// Says which of the processes that wrote a ledger are alive: each holds the lock on one byte of a
/// file beside it, and the system lets go of it when the process ends, however it ends.
class Liveness {
 public:
  /// Takes a byte of its own.
  static Result<Liveness> begin(const std::filesystem::path& path);
  Liveness() = default;
  ~Liveness();
  Liveness(Liveness&& other) noexcept;
  Liveness& operator=(Liveness&& other) noexcept;

  [[nodiscard]] std::uint64_t session() const { return session_; }
  [[nodiscard]] bool is_alive(std::uint64_t session) const;

 private:
  int fd_ = -1;
  std::uint64_t session_ = 0;
};

/// The columns of a call from the first column of a row on; see kCallColumns.
inline constexpr const char* kCallColumns =
    "id,made,state,provider,model,tenant,run,tags,dims,urgent,texts,price,reserved,tokens,cost";
Result<Entry> read_entry(const Statement& row);

///   errors  those of open_existing_ledger
Result<std::unique_ptr<CallLog>> open_file_calls(const std::string& place);

}  // namespace vecmill::ledger
