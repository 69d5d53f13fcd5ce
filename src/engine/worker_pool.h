#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace vecmill::engine {

/// One compute stream per core: `run` hands the indices 0..count-1 out in order to whichever thread
/// is free, the caller among them, and returns when all are done.
class WorkerPool {
 public:
  explicit WorkerPool(std::size_t threads);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  [[nodiscard]] std::size_t size() const { return threads_.size() + 1; }

  /// One call at a time.
  void run(std::size_t count, const std::function<void(std::size_t)>& work);

 private:
  void worker();
  void take_indices();

  std::mutex mutex_;
  std::condition_variable start_, done_;
  const std::function<void(std::size_t)>* work_ = nullptr;  ///< guarded by mutex_ while it changes
  std::size_t count_ = 0, round_ = 0, busy_ = 0;            ///< guarded by mutex_
  bool stop_ = false;                                       ///< guarded by mutex_
  std::atomic<std::size_t> next_{0};
  std::vector<std::thread> threads_;
};

}  // namespace vecmill::engine
