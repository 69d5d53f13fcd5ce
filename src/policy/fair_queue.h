#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "vecmill/policy/time.h"

namespace vecmill::policy {

enum class Priority : std::uint8_t { kUrgent, kNormal, kBulk };
inline constexpr std::size_t kPriorities = 3;

struct Job {
  std::uint64_t id = 0;
  std::string tenant;
  Priority priority = Priority::kNormal;
  std::uint64_t cost = 0;  ///< in what is scarce: the limiter's units
  Time deadline = kNever;  ///< not given out from then on
};

struct FairQueueOptions {
  std::size_t jobs = 10'000;
  std::size_t jobs_per_tenant = 5'000;  ///< in one class, 1 at least
  std::uint64_t quantum = 4'000;        ///< cost that a tenant may take at its turn
  /// A class that is served at every turn holds up the next one for no longer than this, the one
  /// below that for twice as long.
  Duration patience = std::chrono::seconds(1);
};

/// Who is next: classes by urgency, with patience so that none starves; within a class the tenants
/// share by cost (deficit round robin); a tenant's jobs stay in order.
class FairQueue {
 public:
  explicit FairQueue(const FairQueueOptions& options);
  FairQueue(const FairQueue&) = delete;
  FairQueue& operator=(const FairQueue&) = delete;

  /// False: full, in all or for this tenant.
  [[nodiscard]] bool push(Time now, Job job);

  [[nodiscard]] std::optional<Job> pop(Time now);

  /// The jobs whose deadline has passed, each once. They count as waiting until collected here.
  [[nodiscard]] std::vector<Job> take_expired(Time now);

  /// When the next deadline passes.
  [[nodiscard]] Time wake() const { return due_.empty() ? kNever : due_.begin()->first.first; }

  [[nodiscard]] std::size_t size() const { return due_.size() + expired_.size(); }

 private:
  struct Queued {
    Job job;
    std::uint64_t number;  // of arrival
  };
  struct Tenant {
    std::string name;
    std::list<Queued> jobs = {};
    std::uint64_t credit = 0;
    bool has_turn = false;
  };
  using Ring = std::list<Tenant>;  // whose turn it is stands first
  struct Class {
    Ring ring = {};
    std::unordered_map<std::string, Ring::iterator> tenants = {};
    Time waiting_since = {};
  };
  struct Place {
    Class* in;
    Ring::iterator tenant;
    std::list<Queued>::iterator job;
  };

  [[nodiscard]] Class* next_class(Time now);
  [[nodiscard]] std::uint64_t charge(const Job& job) const;
  Job remove(Place place);
  void expire(Time now);

  FairQueueOptions options_;
  std::array<Class, kPriorities> classes_ = {};
  std::map<std::pair<Time, std::uint64_t>, Place> due_;  // every job, by deadline and arrival
  std::vector<Job> expired_;
  std::uint64_t next_number_ = 0;
};

}  // namespace vecmill::policy
