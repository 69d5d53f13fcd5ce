#include "vecmill/encode/team.h"

namespace vecmill::encode {
namespace {

constexpr int kSpins = 2000;

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

void SpinBarrier::wait() {
  const std::uint32_t round = round_.load(std::memory_order_acquire);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == members_) {
    arrived_.store(0, std::memory_order_relaxed);
    round_.store(round + 1, std::memory_order_release);
    return;
  }
  for (int spins = 0; round_.load(std::memory_order_acquire) == round; ++spins) {
    if (spins < kSpins) {
      relax();
    } else {
      std::this_thread::yield();
    }
  }
}

Team::Team(std::uint32_t threads) : barrier_(threads == 0 ? 1 : threads) {
  for (std::uint32_t rank = 1; rank < threads; ++rank) {
    threads_.emplace_back([this, rank] { member(rank); });
  }
}

Team::~Team() {
  stop_.store(true, std::memory_order_relaxed);
  call_.fetch_add(1, std::memory_order_release);
  call_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Team::run(const std::function<void(const Crew&)>& work) {
  work_ = &work;
  call_.fetch_add(1, std::memory_order_release);
  call_.notify_all();
  work(Crew{0, size(), &barrier_});
  barrier_.wait();
}

void Team::member(std::uint32_t rank) {
  std::uint32_t seen = 0;
  for (;;) {
    call_.wait(seen, std::memory_order_acquire);
    ++seen;
    if (stop_.load(std::memory_order_relaxed)) return;
    (*work_)(Crew{rank, size(), &barrier_});
    barrier_.wait();
  }
}

}  // namespace vecmill::encode
