#include "vecmill/cache/leases.h"

#include <algorithm>
#include <random>
#include <utility>

namespace vecmill::cache {
namespace {

std::string random_name() {
  std::random_device random;
  return std::to_string(random()) + "-" + std::to_string(random()) + "-" + std::to_string(random());
}

}  // namespace

Leases::Leases(std::unique_ptr<LeaseServer> server, LeaseOptions options)
    : server_(std::move(server)),
      options_(options),
      holder_(random_name()),
      renewer_([this](const std::stop_token& stop) { renew(stop); }) {}

Leases::~Leases() = default;

std::vector<bool> Leases::take(std::span<const Key> keys) {
  std::vector<std::string> names;
  for (const Key& key : keys) names.push_back(key.name());
  auto taken = server_->take(names, holder_, options_.lease);
  if (!taken) return std::vector<bool>(keys.size(), true);
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if ((*taken)[i]) held_.insert(std::move(names[i]));
  }
  changed_.notify_all();
  return *std::move(taken);
}

void Leases::give_back(std::span<const Key> keys) {
  std::vector<std::string> names;
  {
    const std::lock_guard lock(mutex_);
    for (const Key& key : keys) {
      const auto held = held_.find(key.name());
      if (held == held_.end()) continue;  // the server was away
      names.push_back(*held);
      held_.erase(held);
    }
  }
  if (!names.empty()) server_->extend(names, holder_, std::chrono::milliseconds(0));
}

bool Leases::pause(std::chrono::milliseconds& waited, const std::stop_token& stop) {
  const auto time = std::clamp(waited / 2, options_.first_pause, options_.longest_pause);
  if (waited >= options_.patience || stop.stop_requested()) return false;
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable_any never;
  never.wait_for(lock, stop, time, [] { return false; });
  waited += time;
  return !stop.stop_requested();
}

void Leases::renew(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [this] { return !held_.empty(); }) && !stop.stop_requested()) {
    changed_.wait_for(lock, stop, options_.lease / 3, [this] { return held_.empty(); });
    const std::vector<std::string> names(held_.begin(), held_.end());
    lock.unlock();
    server_->extend(names, holder_, options_.lease);
    lock.lock();
  }
}

}  // namespace vecmill::cache
