#include "vecmill/ledger/ledger.h"

#include "vecmill/ledger/call_log.h"
#include "vecmill/ledger/ledger_file.h"
#include "vecmill/ledger/postgres_ledger.h"
#include "vecmill/ledger/sqlite_ledger.h"
#include "vecmill/place.h"

namespace vecmill::ledger {

Result<std::unique_ptr<Ledger>> open_ledger(LedgerOptions options) {
  VECMILL_TRY(check(options.budgets));
  return is_postgres_url(options.place) ? open_postgres_ledger(std::move(options))
                                        : open_sqlite_ledger(std::move(options));
}

Result<std::unique_ptr<CallLog>> open_call_log(const std::string& place) {
  return is_postgres_url(place) ? open_postgres_calls(place) : open_file_calls(place);
}

}  // namespace vecmill::ledger
