#include "vecmill/tokenize/cutting.h"

#include <algorithm>
#include <cstddef>

namespace vecmill::tokenize {
namespace {

/// A match joins the part before it, a second one in a row does not.
void merge_backwards(const std::vector<Part>& parts, const Emit& emit) {
  for (std::size_t i = 0; i < parts.size(); ++i) {
    std::size_t last = parts[i].last;
    const bool joins = i + 1 < parts.size() && parts[i + 1].is_match && !parts[i].is_match;
    if (joins) last = parts[i + 1].last;
    emit(parts[i].first, last);
    if (joins) ++i;
  }
}

/// The same from the other end.
void merge_forwards(const std::vector<Part>& parts, const Emit& emit) {
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::size_t first = parts[i].first;
    const bool joins = i + 1 < parts.size() && parts[i].is_match && !parts[i + 1].is_match;
    if (joins) ++i;
    emit(first, parts[i].last);
  }
}

void merge_equal(const std::vector<Part>& parts, const Emit& emit) {
  for (std::size_t i = 0; i < parts.size();) {
    const std::size_t first = i;
    while (i < parts.size() && parts[i].is_match == parts[first].is_match) ++i;
    emit(parts[first].first, parts[i - 1].last);
  }
}

}  // namespace

void Pieces::reset(bool at_start) {
  list.clear();
  if (!text.empty()) list.push_back({0, text.size(), at_start});
}

void parts_between(const std::vector<Span>& matches, std::size_t size, std::vector<Part>& parts) {
  parts.clear();
  std::size_t done = 0;
  for (const Span& match : matches) {
    if (done != match.first) parts.push_back({done, match.first, false});
    parts.push_back({match.first, match.last, true});
    done = match.last;
  }
  if (done != size) parts.push_back({done, size, false});
}

void emit_parts(const std::vector<Part>& parts, Behavior behavior, const Emit& emit) {
  switch (behavior) {
    case Behavior::kMergedWithPrevious: return merge_backwards(parts, emit);
    case Behavior::kMergedWithNext: return merge_forwards(parts, emit);
    case Behavior::kContiguous: return merge_equal(parts, emit);
    case Behavior::kRemoved:
    case Behavior::kIsolated: break;
  }
  for (const Part& part : parts) {
    if (behavior == Behavior::kIsolated || !part.is_match) emit(part.first, part.last);
  }
}

}  // namespace vecmill::tokenize
