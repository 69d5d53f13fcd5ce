#include "vecmill/provider/memory_gate.h"

namespace vecmill::provider {

MemoryGate::Hold MemoryGate::take(std::uint64_t bytes) {
  std::unique_lock lock(mutex_);
  const std::uint64_t mine = last_++;
  changed_.wait(lock, [&] {
    if (next_ != mine) return false;
    return calls_ == 0 || (taken_ + bytes <= bytes_ && bytes <= free_());
  });
  ++next_;
  ++calls_;
  taken_ += bytes;
  changed_.notify_all();
  return {*this, bytes};
}

void MemoryGate::give_back(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  taken_ -= bytes;
  --calls_;
  changed_.notify_all();
}

}  // namespace vecmill::provider
