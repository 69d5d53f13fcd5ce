#pragma once

#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>

#include "vecmill/queue/queue.h"

namespace vecmill::engine {

/// Keeps a lease good while it lives, on a thread of its own: whatever the work does, it does not
/// keep the heart from beating.
class LeaseKeeper {
 public:
  LeaseKeeper(queue::Queue& queue, queue::Lease lease, queue::Duration length);

  /// Stop is requested when somebody else has the job by now, or when the queue could not be asked
  /// for as long as the lease was good.
  [[nodiscard]] std::stop_token lost() const { return lost_.get_token(); }

 private:
  void beat(const std::stop_token& stop);

  queue::Queue& queue_;
  const queue::Lease lease_;
  const queue::Duration length_;
  std::stop_source lost_;
  std::mutex mutex_;
  std::condition_variable_any ended_;
  std::jthread thread_;  // last: it uses the others
};

}  // namespace vecmill::engine
