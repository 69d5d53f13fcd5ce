#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

namespace vecmill::encode {

/// Where threads wait for each other for less than a microsecond: they spin, and give the core away
/// only when somebody is late.
class SpinBarrier {
 public:
  explicit SpinBarrier(std::uint32_t members) : members_(members) {}
  void wait();

 private:
  const std::uint32_t members_;
  std::atomic<std::uint32_t> arrived_{0};
  std::atomic<std::uint32_t> round_{0};
};

/// A thread's place in the work on one batch: which share is its own, and the wait for the others.
struct Crew {
  std::uint32_t rank = 0, size = 1;
  SpinBarrier* barrier = nullptr;  ///< null when alone

  void wait() const {
    if (barrier != nullptr) barrier->wait();
  }
  struct Share {
    std::uint32_t first, last;
  };
  [[nodiscard]] Share share(std::uint32_t count) const {
    return {static_cast<std::uint32_t>(std::uint64_t{count} * rank / size),
            static_cast<std::uint32_t>(std::uint64_t{count} * (rank + 1) / size)};
  }
};

/// Threads that work on one text together, the caller among them. Used by one caller at a time.
class Team {
 public:
  explicit Team(std::uint32_t threads);
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  [[nodiscard]] std::uint32_t size() const {
    return static_cast<std::uint32_t>(threads_.size()) + 1;
  }

  /// Runs `work` once per member and returns when all are done.
  void run(const std::function<void(const Crew&)>& work);

 private:
  void member(std::uint32_t rank);

  SpinBarrier barrier_;
  const std::function<void(const Crew&)>* work_ = nullptr;
  std::atomic<std::uint32_t> call_{0};
  std::atomic<bool> stop_{false};
  std::vector<std::thread> threads_;
};

}  // namespace vecmill::encode
