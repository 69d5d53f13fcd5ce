#include "vecmill/source/csv_row.h"

#include <algorithm>

#include "vecmill/source/line_reader.h"

namespace vecmill::source {

void CsvRow::clear() {
  fields_.clear();
  in_quotes_ = false;
  bytes_ = 0;
}

/// Takes the rest of a quoted field from `at`; returns the place behind its closing quote, or the
/// end of the line while the field goes on.
std::size_t CsvRow::quoted(std::string_view line, std::size_t at) {
  in_quotes_ = true;
  while (true) {
    const std::size_t quote = std::min(line.find('"', at), line.size());
    fields_.back().append(line, at, quote - at);
    if (quote == line.size()) return quote;
    if (quote + 1 == line.size() || line[quote + 1] != '"') {
      in_quotes_ = false;
      return quote + 1;
    }
    fields_.back() += '"';
    at = quote + 2;
  }
}

CsvRow::State CsvRow::add(std::string_view line) {
  bytes_ += line.size();
  const std::size_t end = without_line_end(line).size();
  std::size_t at = 0;
  if (in_quotes_) {
    at = quoted(line, 0);
    if (in_quotes_) return State::kNeedsMore;
    if (at >= end) return State::kComplete;
    if (line[at++] != separator_) return State::kBroken;
  }
  while (true) {
    fields_.emplace_back();
    if (at < end && line[at] == '"') {
      at = quoted(line, at + 1);
      if (in_quotes_) return State::kNeedsMore;
    } else {
      const std::size_t stop = std::min(line.find(separator_, at), end);
      fields_.back().assign(line, at, stop - at);
      at = stop;
    }
    if (at >= end) return State::kComplete;
    if (line[at++] != separator_) return State::kBroken;
  }
}

}  // namespace vecmill::source
