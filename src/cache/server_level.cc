#include "vecmill/cache/server_level.h"

#include <algorithm>
#include <utility>

#include "vecmill/base/hash.h"

namespace vecmill::cache {
namespace {

constexpr std::size_t kReadAtOnce = 256;
constexpr std::size_t kWriteBytes = std::size_t{4} << 20;  // at once
constexpr std::size_t kFooter = 16;                        // when it was made, and the hash

void append(std::string& bytes, std::uint64_t number) {
  for (int shift = 0; shift < 64; shift += 8) bytes += static_cast<char>(number >> shift & 0xFF);
}

std::uint64_t number_in(std::string_view bytes) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    number |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  }
  return number;
}

}  // namespace

Status ServerLevel::get_many(std::span<const Key> keys, Time now,
                             std::span<std::optional<Hit>> found) {
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (!found[i]) places.push_back(i);
  }
  for (std::size_t first = 0; first < places.size(); first += kReadAtOnce) {
    const std::size_t count = std::min(kReadAtOnce, places.size() - first);
    Status status = get_some(keys, now, found, std::span(places).subspan(first, count));
    if (!status) {
      counts_.misses += places.size() - first;
      return status;
    }
  }
  return {};
}

Status ServerLevel::get_some(std::span<const Key> keys, Time now,
                             std::span<std::optional<Hit>> found,
                             std::span<const std::size_t> places) {
  std::vector<std::string> names, damaged;
  for (const std::size_t place : places) names.push_back(keys[place].name());
  VECMILL_ASSIGN(const auto values, read(names, now));
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (!values[i]) {
      ++counts_.misses;
    } else if (!read_value(*values[i], keys[places[i]], now, found[places[i]])) {
      damaged.push_back(names[i]);
    }
  }
  if (!damaged.empty()) drop(damaged);
  return {};
}

/// False: damaged.
bool ServerLevel::read_value(std::string_view value, const Key& key, Time now,
                             std::optional<Hit>& found) {
  Hit hit;
  RowCodec::Verdict verdict = RowCodec::Verdict::kDamaged;
  if (value.size() > kFooter &&
      checksum(value.substr(0, value.size() - 8)) == number_in(value.substr(value.size() - 8))) {
    const std::chrono::seconds made(number_in(value.substr(value.size() - kFooter)));
    hit.made = std::min(Time(made), now);
    const std::lock_guard lock(codec_mutex_);
    verdict = codec_.decode(value.substr(0, value.size() - kFooter), key, hit.value);
  }
  if (verdict == RowCodec::Verdict::kHit && !is_expired(hit.made, now)) {
    ++counts_.hits;
    found = std::move(hit);
    return true;
  }
  ++counts_.misses;
  switch (verdict) {
    case RowCodec::Verdict::kHit: ++counts_.expired; break;
    case RowCodec::Verdict::kOther: ++counts_.collisions; break;
    case RowCodec::Verdict::kDamaged: ++counts_.corrupt; return false;
  }
  return true;
}

std::string ServerLevel::value_of(const Item& item) {
  std::string value;
  {
    const std::lock_guard lock(codec_mutex_);
    codec_.encode(item, value);
  }
  append(value, static_cast<std::uint64_t>(item.made.time_since_epoch().count()));
  append(value, checksum(value));
  return value;
}

Status ServerLevel::put_many(std::span<const Item> items, Time now) {
  std::vector<Row> rows;
  std::size_t bytes = 0;
  for (const Item& item : items) {
    if (is_expired(item.made, now)) continue;
    rows.push_back({item.key.name(), value_of(item), std::nullopt});
    if (ttl_.count() > 0) rows.back().expires = item.made + ttl_;
    bytes += rows.back().value.size();
    if (bytes < kWriteBytes) continue;
    VECMILL_TRY(write_counted(rows, now));
    bytes = 0;
  }
  return write_counted(rows, now);
}

Status ServerLevel::write_counted(std::vector<Row>& rows, Time now) {
  if (rows.empty()) return {};
  VECMILL_TRY(write(rows, now));
  counts_.puts += rows.size();
  rows.clear();
  return {};
}

}  // namespace vecmill::cache
