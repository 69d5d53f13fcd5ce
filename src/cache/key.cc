// The plain functions of OpenSSL: their state is a value, and copying one that has already taken
// the secret and the fingerprint is what makes a key cheap. EVP allocates for each.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "vecmill/cache/key.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <xxhash.h>

#include <bit>
#include <cstring>
#include <string>

#include "vecmill/base/check.h"

namespace vecmill::cache {
namespace {

using Digest = std::array<unsigned char, SHA256_DIGEST_LENGTH>;

static_assert(std::endian::native == std::endian::little);

void update(SHA256_CTX& hash, std::string_view bytes) {
  VECMILL_CHECK(SHA256_Update(&hash, bytes.data(), bytes.size()) == 1);
}

void update_with_length(SHA256_CTX& hash, std::string_view bytes) {
  const std::uint64_t size = bytes.size();
  update(hash, {reinterpret_cast<const char*>(&size), sizeof size});
  update(hash, bytes);
}

Digest finish(SHA256_CTX& hash) {
  Digest digest;
  VECMILL_CHECK(SHA256_Final(digest.data(), &hash) == 1);
  return digest;
}

std::string_view view(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

/// HMAC: the two hashes behind their padded secrets.
struct Hmac {
  SHA256_CTX inner{};
  SHA256_CTX outer{};

  explicit Hmac(std::string_view secret) {
    Digest hashed;
    if (secret.size() > SHA256_CBLOCK) {
      SHA256_CTX hash;
      SHA256_Init(&hash);
      update(hash, secret);
      hashed = finish(hash);
      secret = view(hashed);
    }
    start(inner, secret, 0x36);
    start(outer, secret, 0x5C);
    OPENSSL_cleanse(hashed.data(), hashed.size());
  }

  ~Hmac() {
    OPENSSL_cleanse(&inner, sizeof inner);
    OPENSSL_cleanse(&outer, sizeof outer);
  }
  Hmac(const Hmac&) = delete;
  Hmac& operator=(const Hmac&) = delete;

  [[nodiscard]] Digest operator()(SHA256_CTX message) const {
    SHA256_CTX hash = outer;
    update(hash, view(finish(message)));
    return finish(hash);
  }

 private:
  static void start(SHA256_CTX& hash, std::string_view secret, char pad) {
    std::array<char, SHA256_CBLOCK> block{};
    std::memcpy(block.data(), secret.data(), secret.size());
    for (char& c : block) c = static_cast<char>(c ^ pad);
    SHA256_Init(&hash);
    update(hash, {block.data(), block.size()});
    OPENSSL_cleanse(block.data(), block.size());
  }
};

}  // namespace

std::string Key::name() const { return {reinterpret_cast<const char*>(mac.data()), 16}; }

std::uint64_t Key::prefix() const {
  std::uint64_t first = 0;
  std::memcpy(&first, mac.data(), sizeof first);
  return first;
}

struct KeyMaker::State {
  Hmac hmac;
  SHA256_CTX message;  ///< has taken the fingerprint
  std::array<Digest, 6> check_secret{};

  State(std::string_view secret, std::string_view fingerprint) : hmac(secret), message(hmac.inner) {
    for (std::size_t i = 0; i < check_secret.size(); ++i) {
      SHA256_CTX part = hmac.inner;
      update(part, "vecmill-cache-check");
      update(part, {&"012345"[i], 1});
      update_with_length(part, fingerprint);
      check_secret[i] = hmac(part);
    }
    update_with_length(message, fingerprint);
  }
  ~State() {
    OPENSSL_cleanse(&message, sizeof message);
    OPENSSL_cleanse(check_secret.data(), sizeof check_secret);
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
};

KeyMaker::KeyMaker(std::string_view secret, std::string_view fingerprint) {
  VECMILL_CHECK(secret.size() >= 16);
  state_ = std::make_unique<State>(secret, fingerprint);
}
KeyMaker::~KeyMaker() = default;
KeyMaker::KeyMaker(KeyMaker&&) noexcept = default;
KeyMaker& KeyMaker::operator=(KeyMaker&&) noexcept = default;

Key KeyMaker::operator()(std::string_view text) const {
  SHA256_CTX message = state_->message;
  update_with_length(message, text);
  const Digest mac = state_->hmac(message);
  const XXH128_hash_t check = XXH3_128bits_withSecret(
      text.data(), text.size(), state_->check_secret.data(), sizeof state_->check_secret);
  Key key;
  std::memcpy(key.mac.data(), mac.data(), mac.size());
  XXH128_canonicalFromHash(reinterpret_cast<XXH128_canonical_t*>(key.check.data()), check);
  return key;
}

}  // namespace vecmill::cache
