// modules: redis
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "vecmill/base/check.h"
#include "vecmill/redis/address.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto address = vecmill::redis::parse_address({reinterpret_cast<const char*>(data), size});
  if (!address) return 0;
  VECMILL_CHECK(address->host.empty() != address->socket.empty());
  VECMILL_CHECK(address->port > 0);
  VECMILL_CHECK((address->host + address->user).find('\0') == std::string::npos);
  // What it is called is an address again, of the same place.
  const auto again = vecmill::redis::parse_address(address->name());
  VECMILL_CHECK(again && again->name() == address->name());
  return 0;
}
