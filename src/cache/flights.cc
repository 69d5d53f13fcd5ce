#include "vecmill/cache/flights.h"

#include "vecmill/base/check.h"

namespace vecmill::cache {

Flights::Seats::Seats(Flights& flights, std::span<const Key> keys) : flights_(flights) {
  const std::lock_guard lock(flights_.mutex_);
  for (const Key& key : keys) {
    std::shared_ptr<Flight>& flight = flights_.open_[key];
    const bool leads = flight == nullptr;
    if (leads) flight = std::make_shared<Flight>();
    seats_.push_back({key, flight, leads});
  }
}

Flights::Seats::~Seats() {
  for (std::size_t at = 0; at < seats_.size(); ++at) {
    if (seats_[at].leads && !seats_[at].landed) land(at, nullptr);
  }
}

void Flights::Seats::land(std::size_t at, const Embedding* value) {
  Seat& seat = seats_[at];
  VECMILL_CHECK(seat.leads && !seat.landed);
  seat.landed = true;
  {
    const std::lock_guard lock(flights_.mutex_);
    if (value != nullptr) seat.flight->value = *value;
    seat.flight->landed = true;
    flights_.open_.erase(seat.key);
    ++flights_.landed_;
  }
  flights_.changed_.notify_all();
}

std::optional<Embedding> Flights::Seats::wait(std::size_t at) {
  const Seat& seat = seats_[at];
  std::unique_lock lock(flights_.mutex_);
  flights_.changed_.wait(lock, [&] { return seat.flight->landed; });
  return seat.flight->value;
}

std::uint64_t Flights::landed() const {
  const std::lock_guard lock(mutex_);
  return landed_;
}

}  // namespace vecmill::cache
