#pragma once

#include <string>

#include "vecmill/engine.h"

namespace vecmill::engine {

/// Writes X.report.json beside an output that is a file: everything that differs between two runs
/// that make the same vectors.
Status write_report(const std::string& out, const EmbedReport& report);

}  // namespace vecmill::engine
