#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "vecmill/cache/key.h"
#include "vecmill/cache/lease_server.h"

namespace vecmill::cache {

struct LeaseOptions {
  /// What a dead process holds is free after so long; a living one renews it.
  std::chrono::milliseconds lease{10'000};
  std::chrono::milliseconds first_pause{10}, longest_pause{250};  ///< between two questions
  std::chrono::milliseconds patience{600'000};  ///< then one makes what another has not made
};

/// Lets one process make a vector while the others that want the same one wait for it. Only saves
/// work: while the server is away everybody makes what he wants. Safe from any thread.
class Leases {
 public:
  explicit Leases(std::unique_ptr<LeaseServer> server, LeaseOptions options = {});
  ~Leases();
  Leases(const Leases&) = delete;
  Leases& operator=(const Leases&) = delete;

  /// Of each key, whether it is this process's now, to be given back. All are while the server is
  /// away.
  std::vector<bool> take(std::span<const Key> keys);

  /// What is another's by now stays his.
  void give_back(std::span<const Key> keys);

  /// Waits before the next question, longer each time. False: no more waiting, for `waited` is the
  /// patience or `stop` is requested.
  bool pause(std::chrono::milliseconds& waited, const std::stop_token& stop);

 private:
  void renew(const std::stop_token& stop);

  const std::unique_ptr<LeaseServer> server_;
  const LeaseOptions options_;
  const std::string holder_;  ///< this process's name for others

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::multiset<std::string> held_;
  std::jthread renewer_;  ///< last: it uses the others
};

}  // namespace vecmill::cache
