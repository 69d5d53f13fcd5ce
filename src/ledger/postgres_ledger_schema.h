#pragma once

#include "vecmill/postgres/schema.h"

namespace vecmill::ledger {

/// The tables and functions of a ledger.
[[nodiscard]] const postgres::Objects& ledger_objects();

}  // namespace vecmill::ledger
