#include "vecmill/base/sha1.h"

#include <openssl/evp.h>

#include <array>
#include <span>

#include "vecmill/base/check.h"
#include "vecmill/base/hex.h"

namespace vecmill {

struct Sha1::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  State() {
    VECMILL_CHECK(context != nullptr && EVP_DigestInit_ex(context, EVP_sha1(), nullptr) == 1);
  }
  ~State() { EVP_MD_CTX_free(context); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
};

Sha1::Sha1() : state_(std::make_unique<State>()) {}
Sha1::~Sha1() = default;
Sha1::Sha1(Sha1&&) noexcept = default;
Sha1& Sha1::operator=(Sha1&&) noexcept = default;

void Sha1::update(std::string_view bytes) {
  VECMILL_CHECK(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) == 1);
}

std::string Sha1::hex() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  VECMILL_CHECK(EVP_DigestFinal_ex(state_->context, digest.data(), &size) == 1);
  return vecmill::hex(std::as_bytes(std::span(digest.data(), size)));
}

}  // namespace vecmill
