#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

namespace vecmill::remote {

/// Does what it is given one after the other, in the order in which it came, on a thread of its
/// own. All of it is done before it is gone. Safe from any thread.
class InOrder {
 public:
  InOrder() = default;
  ~InOrder() {
    {
      const std::lock_guard lock(mutex_);
      closing_ = true;
      changed_.notify_one();
    }
    thread_.join();
  }
  InOrder(const InOrder&) = delete;
  InOrder& operator=(const InOrder&) = delete;

  /// Never waits for what was given before.
  void run(std::function<void()> act) {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(act));
    changed_.notify_one();  // with the lock: once the act is done, this may be gone
  }

 private:
  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return closing_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      const std::function<void()> act = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      act();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;
  bool closing_ = false;
  std::thread thread_{[this] { work(); }};  ///< last: it uses the others
};

}  // namespace vecmill::remote
