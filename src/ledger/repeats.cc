#include "vecmill/ledger/repeats.h"

namespace vecmill::ledger {
namespace {

constexpr std::size_t low_bit(std::size_t at) { return at & (~at + 1); }

}  // namespace

void ReuseDistance::add(std::size_t at, std::int64_t n) {
  for (; at < tree_.size(); at += low_bit(at)) tree_[at] += n;
}

std::uint64_t ReuseDistance::sum_until(std::size_t at) const {
  std::int64_t sum = 0;
  for (; at > 0; at -= low_bit(at)) sum += tree_[at];
  return static_cast<std::uint64_t>(sum);
}

std::optional<std::uint64_t> ReuseDistance::use(std::uint64_t key) {
  const std::size_t now = tree_.size();
  std::optional<std::uint64_t> distance;
  const auto [last, is_new] = last_.try_emplace(key, now);
  if (!is_new) {
    distance = last_.size() - sum_until(last->second);
    add(last->second, -1);
    last->second = now;
  }
  // The new node of the tree is the sum of those below it and this use.
  const std::size_t below = now - low_bit(now);
  tree_.push_back(static_cast<std::int64_t>(sum_until(now - 1) - sum_until(below)) + 1);
  return distance;
}

}  // namespace vecmill::ledger
