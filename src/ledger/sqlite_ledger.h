#pragma once

#include <memory>

#include "vecmill/ledger/ledger.h"

namespace vecmill::ledger {

/// The ledger of one host, in a file (ledger_file.h).
///   errors  those of open_ledger_file
Result<std::unique_ptr<Ledger>> open_sqlite_ledger(LedgerOptions options);

}  // namespace vecmill::ledger
