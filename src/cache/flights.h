#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "vecmill/cache/key.h"
#include "vecmill/provider.h"

namespace vecmill::cache {

/// Lets one thread make a vector while the others that want the same one wait for it.
class Flights {
  struct Flight;

 public:
  /// What one thread leads and follows; what it leads and never lands has failed.
  class Seats {
   public:
    Seats(Flights& flights, std::span<const Key> keys);
    ~Seats();
    Seats(const Seats&) = delete;
    Seats& operator=(const Seats&) = delete;

    [[nodiscard]] bool leads(std::size_t at) const { return seats_[at].leads; }
    /// Of what it leads: the vector, or nothing when it failed. Wakes those who wait.
    void land(std::size_t at, const Embedding* value);
    /// Of what it follows. A thread lands all it leads before it waits.
    std::optional<Embedding> wait(std::size_t at);

   private:
    struct Seat {
      Key key;
      std::shared_ptr<Flight> flight;
      bool leads = false;
      bool landed = false;
    };
    Flights& flights_;
    std::vector<Seat> seats_;
  };

  /// How many have landed. Unchanged: whatever was not in the cache before is not in it now, or
  /// still in flight.
  [[nodiscard]] std::uint64_t landed() const;

 private:
  struct Flight {
    bool landed = false;
    std::optional<Embedding> value;
  };
  struct Hash {
    std::size_t operator()(const Key& key) const noexcept { return key.prefix(); }
  };

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::unordered_map<Key, std::shared_ptr<Flight>, Hash> open_;
  std::uint64_t landed_ = 0;
};

}  // namespace vecmill::cache
