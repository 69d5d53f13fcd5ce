#pragma once

#include <memory>
#include <string>

#include "vecmill/ledger/call_log.h"
#include "vecmill/ledger/ledger.h"

namespace vecmill::ledger {

/// The ledger of several hosts, in a schema of PostgreSQL. One request is decided on at a time,
/// whoever asks. A server that goes away is waited for, and a call whose answer was lost is made
/// again: it is entered and settled once. What there was to tell with a lost answer is not told.
///   errors  those of postgres::Connection::open; kNotFound: schema; kUnsupported: of another
///           version; kInvalidArgument: transactions of the database do not see what others commit
Result<std::unique_ptr<Ledger>> open_postgres_ledger(LedgerOptions options);

///   errors  the same; kNotFound: nothing was ever spent
Result<std::unique_ptr<CallLog>> open_postgres_calls(const std::string& place);

}  // namespace vecmill::ledger
