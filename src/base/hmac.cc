#include "vecmill/base/hmac.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <span>

#include "vecmill/base/check.h"
#include "vecmill/base/hex.h"

namespace vecmill {

std::string hmac_sha256_hex(std::string_view secret, std::string_view message) {
  std::array<unsigned char, 32> digest{};
  unsigned size = 0;
  VECMILL_CHECK(HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
                     reinterpret_cast<const unsigned char*>(message.data()), message.size(),
                     digest.data(), &size) != nullptr &&
                size == digest.size());
  return hex(std::as_bytes(std::span(digest)));
}

}  // namespace vecmill
