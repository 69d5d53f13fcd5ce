#include "vecmill/cache/leases.h"

#include <algorithm>
#include <random>
#include <utility>

namespace vecmill::cache {
namespace {

using redis::Command;
using redis::Reply;

constexpr std::size_t kKeysAtOnce = 500;

/// KEYS: leases. ARGV: the holder, and for how long they go on; 0: they end. Others' stay.
const redis::Script& own_script() {
  static const redis::Script script(R"lua(
for _, key in ipairs(KEYS) do
  if redis.call('GET', key) == ARGV[1] then
    redis.call('PEXPIRE', key, ARGV[2])
  end
end
return 0
)lua");
  return script;
}

std::string name_of(const Key& key) {
  return "vecmill:lease:1:" + std::string(reinterpret_cast<const char*>(key.mac.data()), 16);
}

std::string random_name() {
  std::random_device random;
  return std::to_string(random()) + "-" + std::to_string(random()) + "-" + std::to_string(random());
}

void extend(redis::Client& client, std::span<const std::string> names, const std::string& holder,
            std::chrono::milliseconds time) {
  const std::vector<std::string> arguments{holder, std::to_string(time.count())};
  for (std::size_t first = 0; first < names.size(); first += kKeysAtOnce) {
    const auto some = names.subspan(first, std::min(kKeysAtOnce, names.size() - first));
    if (!client.run(own_script(), some, arguments)) return;
  }
}

}  // namespace

Leases::Leases(std::shared_ptr<redis::Client> client, LeaseOptions options)
    : client_(std::move(client)),
      options_(options),
      holder_(random_name()),
      renewer_([this](const std::stop_token& stop) { renew(stop); }) {}

Leases::~Leases() = default;

std::vector<bool> Leases::take(std::span<const Key> keys) {
  std::vector<Command> commands;
  for (const Key& key : keys) {
    commands.push_back(
        {"SET", name_of(key), holder_, "NX", "PX", std::to_string(options_.lease.count())});
  }
  std::vector<bool> taken(keys.size(), true);
  const auto replies = client_->call(commands);
  if (!replies) return taken;
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    // Nothing: another has it. An error of one command: nobody can have it.
    taken[i] = !(*replies)[i].is(Reply::Kind::kNil);
    if (taken[i]) held_.insert(commands[i][1]);
  }
  changed_.notify_all();
  return taken;
}

void Leases::give_back(std::span<const Key> keys) {
  std::vector<std::string> names;
  {
    const std::lock_guard lock(mutex_);
    for (const Key& key : keys) {
      const auto held = held_.find(name_of(key));
      if (held == held_.end()) continue;  // the server was away
      names.push_back(*held);
      held_.erase(held);
    }
  }
  extend(*client_, names, holder_, std::chrono::milliseconds(0));
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
    extend(*client_, names, holder_, options_.lease);
    lock.lock();
  }
}

}  // namespace vecmill::cache
