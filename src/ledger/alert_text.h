#pragma once

#include <string>

#include "vecmill/ledger/ledger.h"

namespace vecmill::ledger {

/// For the log: one line without line end.
[[nodiscard]] std::string alert_line(const Alert& alert);

/// What a webhook is sent: one JSON object. "text" is the line, as chat services show it; the
/// other members are for programs. To send it is somebody else's.
[[nodiscard]] std::string alert_payload(const Alert& alert);

}  // namespace vecmill::ledger
