#include "vecmill/cache/cache.h"

#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "vecmill/base/check.h"
#include "vecmill/base/half.h"

namespace vecmill::cache {

/// The distinct texts of one call, in the order of their first places.
struct Cache::Batch {
  struct Hash {
    std::size_t operator()(const Key& key) const noexcept { return key.prefix(); }
  };

  const KeyMaker& key_of;
  const Make& make;
  Time now;
  std::stop_token stop = {};
  std::vector<std::string_view> texts;
  std::vector<Key> keys;
  std::vector<std::size_t> uses;  ///< how often each stands in the batch
  std::vector<std::optional<Result<Embedding>>> values;
  std::vector<bool> hit;
  std::vector<bool> shared;           ///< also: given away once
  std::vector<std::size_t> distinct;  ///< of each text of the call, its place in here
  std::unordered_set<Key, Hash> kept_early;

  Batch(const KeyMaker& maker, Texts all, Time at, const Make& by)
      : key_of(maker), make(by), now(at) {
    std::unordered_map<Key, std::size_t, Hash> places;
    places.reserve(all.size());
    for (const std::string_view text : all) {
      const Key key = maker(text);
      const auto [at_place, is_new] = places.emplace(key, keys.size());
      if (is_new) {
        texts.push_back(text);
        keys.push_back(key);
        uses.push_back(0);
      }
      ++uses[at_place->second];
      distinct.push_back(at_place->second);
    }
    values.resize(keys.size());
    hit.resize(keys.size());
    shared.resize(keys.size());
  }

  [[nodiscard]] std::vector<std::size_t> missing() const {
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (!values[i]) places.push_back(i);
    }
    return places;
  }

  /// The last use of a value takes it.
  std::vector<Answer> answers() {
    std::vector<Answer> all;
    all.reserve(distinct.size());
    for (const std::size_t place : distinct) {
      Result<Embedding>& value = *values[place];
      const bool last = --uses[place] == 0;
      all.push_back(
          {last ? std::move(value) : value, keys[place], hit[place], shared[place] && !hit[place]});
      shared[place] = true;
    }
    return all;
  }
};

Cache::Cache(std::vector<std::unique_ptr<Level>> levels, Store store,
             std::shared_ptr<Leases> leases)
    : levels_(std::move(levels)),
      store_(store),
      leases_(std::move(leases)),
      failure_of_(levels_.size()) {}

std::vector<Cache::Answer> Cache::get_or_make(const KeyMaker& keys, Texts texts, Time now,
                                              const Make& make, const std::stop_token& stop) {
  Batch batch(keys, texts, now, make);
  batch.stop = stop;
  counts_.texts += texts.size();
  counts_.duplicates += texts.size() - batch.keys.size();
  const std::uint64_t landed = flights_.landed();
  std::vector<std::size_t> missing = batch.missing();
  look_up(batch, missing);
  missing = batch.missing();
  if (!missing.empty()) make_or_join(batch, missing, landed);
  return batch.answers();
}

void Cache::look_up(Batch& batch, std::span<const std::size_t> places) {
  std::vector<Key> keys;
  for (const std::size_t place : places) keys.push_back(batch.keys[place]);
  std::vector<std::optional<Hit>> found(keys.size());
  std::vector<std::size_t> level_of(keys.size());
  for (std::size_t level = 0; level < levels_.size(); ++level) {
    note(level, levels_[level]->get_many(keys, batch.now, found));
    std::vector<Item> new_here;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (!found[i] || level_of[i] != 0) continue;
      level_of[i] = level + 1;
      new_here.push_back({keys[i], &found[i]->value, found[i]->made});
    }
    if (level > 0) keep(new_here, batch.now, level);
  }
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (!found[i]) continue;
    batch.values[places[i]] = std::move(found[i]->value);
    batch.hit[places[i]] = true;
  }
}

void Cache::keep(std::span<const Item> items, Time now, std::size_t levels) {
  if (items.empty()) return;
  for (std::size_t level = 0; level < levels; ++level) {
    note(level, levels_[level]->put_many(items, now));
  }
}

void Cache::keep_early(Batch& batch, std::span<const Arrival> arrived) {
  std::vector<Embedding> values;
  values.reserve(arrived.size());
  std::vector<Item> items;
  for (const auto& [text, embedding] : arrived) {
    Embedding& value = values.emplace_back(*embedding);
    const Key key = batch.key_of(text);
    if (round(value) && batch.kept_early.insert(key).second) {
      items.push_back({key, &value, batch.now});
    }
  }
  keep(items, batch.now, levels_.size());
}

void Cache::make_or_join(Batch& batch, std::span<const std::size_t> missing, std::uint64_t landed) {
  std::vector<Key> keys;
  for (const std::size_t place : missing) keys.push_back(batch.keys[place]);
  Flights::Seats seats(flights_, keys);
  std::vector<std::size_t> mine;
  for (std::size_t i = 0; i < missing.size(); ++i) {
    if (seats.leads(i)) mine.push_back(missing[i]);
  }
  if (flights_.landed() != landed) {  // another thread may have kept it since it was looked up
    look_up(batch, mine);
    std::erase_if(mine, [&](std::size_t place) { return batch.values[place].has_value(); });
  }
  make(batch, mine);
  for (std::size_t i = 0; i < missing.size(); ++i) {
    const auto& value = batch.values[missing[i]];
    if (seats.leads(i)) seats.land(i, *value ? &**value : nullptr);
  }

  std::vector<std::size_t> again;
  for (std::size_t i = 0; i < missing.size(); ++i) {
    if (seats.leads(i)) continue;
    if (auto value = seats.wait(i)) {
      batch.values[missing[i]] = std::move(*value);
      batch.shared[missing[i]] = true;
      counts_.joined += batch.uses[missing[i]];
    } else {
      again.push_back(missing[i]);
    }
  }
  make(batch, again);
}

void Cache::make(Batch& batch, std::span<const std::size_t> places) {
  if (places.empty()) return;
  leases_ ? make_leased(batch, places) : make_here(batch, places);
}

/// Gives leases back however the making ends.
struct GiveBack {
  Leases& leases;
  const std::vector<Key>& held;

  ~GiveBack() { leases.give_back(held); }
};

/// What other processes make already is waited for; nothing is held meanwhile.
void Cache::make_leased(Batch& batch, std::span<const std::size_t> places) {
  std::vector<std::size_t> waiting(places.begin(), places.end());
  std::chrono::milliseconds waited{0};
  while (true) {
    std::vector<Key> keys;
    keys.reserve(waiting.size());
    for (const std::size_t place : waiting) keys.push_back(batch.keys[place]);
    const std::vector<bool> taken = leases_->take(keys);
    std::vector<std::size_t> mine, others;
    std::vector<Key> held;
    for (std::size_t i = 0; i < waiting.size(); ++i) {
      (taken[i] ? mine : others).push_back(waiting[i]);
      if (taken[i]) held.push_back(keys[i]);
    }
    if (!mine.empty()) {
      const GiveBack at_end{*leases_, held};
      look_up(batch, mine);  // who had it before may have kept it
      std::erase_if(mine, [&](std::size_t place) { return batch.values[place].has_value(); });
      make_here(batch, mine);
    }
    if (others.empty()) return;
    if (!leases_->pause(waited, batch.stop)) return make_here(batch, others);
    waiting = std::move(others);
  }
}

void Cache::make_here(Batch& batch, std::span<const std::size_t> places) {
  if (places.empty()) return;
  std::vector<std::string_view> texts;
  for (const std::size_t place : places) texts.push_back(batch.texts[place]);
  std::vector<Result<Embedding>> results =
      batch.make(texts, [&](std::span<const Arrival> arrived) { keep_early(batch, arrived); });
  VECMILL_CHECK(results.size() == texts.size());
  counts_.made += texts.size();
  std::vector<Item> items;
  for (std::size_t i = 0; i < places.size(); ++i) {
    auto& value = batch.values[places[i]];
    value = std::move(results[i]);
    const Key& key = batch.keys[places[i]];
    if (*value && round(**value) && !batch.kept_early.contains(key)) {
      items.push_back({key, &**value, batch.now});
    }
  }
  keep(items, batch.now, levels_.size());
}

/// As it would come back from a level; false: it cannot be kept and is left as it is.
bool Cache::round(Embedding& value) const {
  if (store_ == Store::kF32) return keepable(value);
  Embedding rounded = value;
  for (float& number : rounded.vector) number = from_half(to_half(number));
  if (!keepable(rounded)) return false;
  value = std::move(rounded);
  return true;
}

void Cache::note(std::size_t level, const Status& done) {
  if (done) return;
  ++counts_.failures;
  const std::lock_guard lock(failure_mutex_);
  failure_ = failure_of_[level] = done.error();
}

Cache::Stats Cache::stats() {
  Stats stats;
  for (const auto& level : levels_) stats.levels.push_back(level->stats());
  stats.texts = counts_.texts;
  stats.duplicates = counts_.duplicates;
  stats.joined = counts_.joined;
  stats.made = counts_.made;
  stats.failures = counts_.failures;
  const std::lock_guard lock(failure_mutex_);
  stats.failure = failure_;
  stats.failure_of = failure_of_;
  return stats;
}

}  // namespace vecmill::cache
