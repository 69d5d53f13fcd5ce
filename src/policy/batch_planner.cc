#include "vecmill/policy/batch_planner.h"

#include <algorithm>
#include <utility>

#include "vecmill/base/wide.h"

namespace vecmill::policy {
namespace {

enum : std::size_t { kTexts, kTokens, kBytes };

void add_to(BatchSize& size, const Piece& piece) {
  size[kTexts] += 1;
  size[kTokens] += piece.tokens;
  size[kBytes] += piece.bytes;
}

bool exceeds(const BatchSize& size, const BatchSize& limits) {
  return size[kTexts] > limits[kTexts] || size[kTokens] > limits[kTokens] ||
         size[kBytes] > limits[kBytes];
}

}  // namespace

BatchSize Batch::size() const {
  BatchSize size = {};
  for (const Piece& piece : pieces) add_to(size, piece);
  return size;
}

BatchPlanner::BatchPlanner(const BatchSize& limits, Duration linger) : linger_(linger) {
  for (std::size_t i = 0; i < kMeasures; ++i) measures_[i] = {limits[i], limits[i], limits[i] + 1};
}

BatchSize BatchPlanner::limits() const {
  return {measures_[kTexts].limit, std::min(measures_[kTokens].limit, wished_tokens_),
          measures_[kBytes].limit};
}

void BatchPlanner::add(Time now, const Piece& piece) { waiting_.push_back({now, piece}); }

std::size_t BatchPlanner::fitting() const {
  const BatchSize limits = this->limits();
  BatchSize size = {};
  std::size_t texts = 0;
  for (const Waiting& waiting : waiting_) {
    add_to(size, waiting.piece);
    if (texts > 0 && exceeds(size, limits)) break;
    ++texts;
  }
  return texts;
}

bool BatchPlanner::is_full(std::size_t texts) const {
  return texts < waiting_.size() || texts == measures_[kTexts].limit;
}

std::optional<Batch> BatchPlanner::next(Time now) {
  if (!halves_.empty()) {
    Batch batch = std::move(halves_.front());
    halves_.pop_front();
    return batch;
  }
  if (waiting_.empty() || wake() > now) return std::nullopt;
  const std::size_t texts = fitting();
  Batch batch{{}, is_full(texts)};
  for (std::size_t i = 0; i < texts; ++i) batch.pieces.push_back(waiting_[i].piece);
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(texts));
  return batch;
}

Time BatchPlanner::wake() const {
  if (!halves_.empty()) return Time::min();
  if (waiting_.empty()) return kNever;
  return is_full(fitting()) ? Time::min() : waiting_.front().since + linger_;
}

std::optional<Piece> BatchPlanner::take_shortest() {
  std::optional<Piece> shortest;
  const auto look = [&](const Piece& piece) {
    if (!shortest || piece.bytes < shortest->bytes) shortest = piece;
  };
  for (const Waiting& waiting : waiting_) look(waiting.piece);
  for (const Batch& half : halves_) std::ranges::for_each(half.pieces, look);
  if (shortest) drop([&](std::uint64_t id) { return id == shortest->id; });
  return shortest;
}

void BatchPlanner::drop(const std::function<bool(std::uint64_t id)>& unwanted) {
  const auto is_unwanted = [&](const Piece& piece) { return unwanted(piece.id); };
  std::erase_if(waiting_, [&](const Waiting& waiting) { return is_unwanted(waiting.piece); });
  for (Batch& half : halves_) std::erase_if(half.pieces, is_unwanted);
  std::erase_if(halves_, [](const Batch& half) { return half.pieces.empty(); });
}

/// The measure by which a request came nearest to its limit.
std::size_t BatchPlanner::fullest(const BatchSize& size) const {
  std::size_t most = 0;
  for (std::size_t i = 1; i < kMeasures; ++i) {
    if (Wide(size[i]) * measures_[most].limit > Wide(size[most]) * measures_[i].limit) most = i;
  }
  return most;
}

/// The fullest of those that a refusal may be about.
std::size_t BatchPlanner::to_blame(const BatchSize& size) {
  if (std::ranges::all_of(measures_, &Measure::innocent)) {
    for (Measure& measure : measures_) measure.innocent = false;
  }
  BatchSize suspected = size;
  for (std::size_t i = 0; i < kMeasures; ++i) {
    if (measures_[i].innocent) suspected[i] = 0;
  }
  return fullest(suspected);
}

void BatchPlanner::accepted(const Batch& batch) {
  const BatchSize size = batch.size();
  for (std::size_t i = 0; i < kMeasures; ++i) {
    Measure& measure = measures_[i];
    measure.passed = std::max(measure.passed, size[i]);
    if (size[i] < measure.ceiling || measure.ceiling > measure.most) continue;
    // So much is not too much: the refusal was about something else, such as one long text.
    measure.innocent = true;
    measure.ceiling = measure.most + 1;
    measure.limit = measure.most;
  }
  if (batch.full) grow(measures_[fullest(size)]);
}

/// Halfway to what was too much. What was too much once is tried again: it may have been one text.
void BatchPlanner::grow(Measure& measure) {
  const bool learned = measure.ceiling <= measure.most;
  if (learned && measure.limit + 1 >= measure.ceiling && ++measure.full >= measure.doubt) {
    measure.full = 0;
    measure.tried = true;
    measure.ceiling = std::min(2 * measure.ceiling, measure.most + 1);
  }
  measure.limit += (measure.ceiling - measure.limit) / 2;
}

bool BatchPlanner::refused(const Batch& batch, Outcome outcome) {
  const std::size_t texts = batch.pieces.size();
  if (texts == 1) return false;
  if (outcome == Outcome::kTooLarge) {
    const BatchSize size = batch.size();
    const std::size_t guess = to_blame(size);
    Measure& measure = measures_[guess];
    measure.ceiling = std::min(measure.ceiling, size[guess]);
    measure.full = 0;
    if (std::exchange(measure.tried, false)) measure.doubt *= 2;
    if (measure.passed >= measure.ceiling) measure.passed = 0;  // it takes less than it did
    measure.limit = std::max({measure.passed, measure.ceiling / 2, std::uint64_t{1}});
  }
  const auto middle = batch.pieces.begin() + static_cast<std::ptrdiff_t>(texts / 2);
  halves_.push_front({{middle, batch.pieces.end()}, false});
  halves_.push_front({{batch.pieces.begin(), middle}, false});
  return true;
}

}  // namespace vecmill::policy
