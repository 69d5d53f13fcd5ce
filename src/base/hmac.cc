#include "vecmill/base/hmac.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

#include "vecmill/base/check.h"

namespace vecmill {

std::string hmac_sha256_hex(std::string_view secret, std::string_view message) {
  std::array<unsigned char, 32> digest{};
  unsigned size = 0;
  VECMILL_CHECK(HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
                     reinterpret_cast<const unsigned char*>(message.data()), message.size(),
                     digest.data(), &size) != nullptr &&
                size == digest.size());
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  for (const unsigned char byte : digest) {
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

}  // namespace vecmill
