#pragma once

#include <string>
#include <vector>

#include "vecmill/ledger/call_log.h"

namespace vecmill::ledger {

/// Spending summed up by columns: day, week (ISO), month, provider, model, tenant, run, tag (all of
/// them), tag:KEY; project, user and category are short for such tags.
struct ReportOptions {
  Date from = Date::min(), to = Date::max();
  std::vector<std::string> by = {"day"};
  std::string tenant = {};  ///< only its calls; empty: of all
};

struct Sums {
  std::uint64_t calls = 0;
  std::uint64_t texts = 0, tokens = 0;  ///< of the calls that were billed
  Money cost = 0;
  Money held = 0;       ///< open or unknown: may still be billed
  Money estimated = 0;  ///< of the cost: that of tokens which no reply told
};

struct ReportRow {
  std::vector<std::string> keys;  ///< [by]; "" where a call has none
  Sums sums;
};

struct Report {
  std::vector<std::string> by;
  std::vector<ReportRow> rows;  ///< in the order of their keys
  Sums total;
};

///   errors  kInvalidArgument: no such column
Result<Report> make_report(CallLog& log, const ReportOptions& options);

[[nodiscard]] std::string to_csv(const Report& report);  ///< RFC 4180, with a header

/// What the month that `now` is in will have cost in the end.
struct Projection {
  std::string month;  ///< "2026-11"
  Money so_far = 0;   ///< spent, open and unknown
  Money projected = 0;
  std::string method;  ///< how that was computed, for people
};

/// So far, and for the rest of the month the rate of the last days: seven, or as many as there
/// are calls, at least one.
Result<Projection> project_month(CallLog& log, Date now, const std::string& tenant = {});

/// One object, ends with a line end: "rows", "total", "month".
[[nodiscard]] std::string to_json(const Report& report, const Projection& projection);

}  // namespace vecmill::ledger
