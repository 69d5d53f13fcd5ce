#include "vecmill/qdrant/point_id.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "vecmill/base/sha1.h"

namespace vecmill::qdrant {
namespace {

// Two random numbers, drawn once; 16 bytes each, as UUIDs of version 5 want their name space.
constexpr std::string_view kIds =
    "\x6b\x1d\xf0\x52\x9e\x83\x4c\x71\xa4\x2f\x0e\xd9\x37\xc8\x55\xba";
constexpr std::string_view kRecords =
    "\xd2\x44\x8a\x17\x60\xbf\x4e\x9b\x8c\x35\xf1\x7a\x02\xe6\x9d\x43";

std::string name_based(std::string_view space, std::string_view name) {
  Sha1 hash;
  hash.update(space);
  hash.update(name);
  std::string hex = hash.hex().substr(0, 32);
  hex[12] = '5';
  constexpr std::string_view kDigits = "0123456789abcdef";
  hex[16] = kDigits[8 | (kDigits.find(hex[16]) & 3)];
  for (const std::size_t hyphen : {8, 13, 18, 23}) hex.insert(hyphen, "-");
  return hex;
}

bool is_number(std::string_view id) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), value);
  return error == std::errc() && end == id.data() + id.size() && (id == "0" || id[0] != '0');
}

bool is_uuid(std::string_view id) {
  if (id.size() != 36) return false;
  for (std::size_t i = 0; i < id.size(); ++i) {
    const bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
    const bool digit = (id[i] >= '0' && id[i] <= '9') || (id[i] >= 'a' && id[i] <= 'f');
    if (hyphen ? id[i] != '-' : !digit) return false;
  }
  return true;
}

}  // namespace

std::string point_id(std::string_view id) {
  return is_number(id) || is_uuid(id) ? std::string(id) : name_based(kIds, id);
}

std::string record_point() { return name_based(kRecords, "record"); }

std::string point_json(std::string_view point) {
  return is_number(point) ? std::string(point) : "\"" + std::string(point) + "\"";
}

}  // namespace vecmill::qdrant
