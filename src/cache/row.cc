#include "vecmill/cache/row.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <span>

#include "vecmill/base/check.h"
#include "vecmill/base/half.h"
#include "vecmill/base/hash.h"

namespace vecmill::cache {
namespace {

static_assert(std::endian::native == std::endian::little);

struct Head {
  std::uint8_t version = 1;
  std::uint8_t store = 0;
  std::uint16_t zero = 0;
  std::uint32_t dims = 0;
  std::uint32_t tokens = 0;
  std::uint32_t truncated_tokens = 0;
  Key key;
};
static_assert(sizeof(Head) == 64);

constexpr char kSealed = 2;
constexpr std::size_t kNonce = 12;
constexpr std::size_t kTag = 16;
constexpr std::string_view kSample = "\1vecmill cache";

void append(std::string& out, const void* bytes, std::size_t size) {
  out.append(static_cast<const char*>(bytes), size);
}

/// The head of a plain row whose bytes are what they were.
std::optional<Head> check_row(std::string_view row) {
  Head head;
  std::uint64_t sum = 0;
  if (row.size() < sizeof head + sizeof sum) return std::nullopt;
  std::memcpy(&head, row.data(), sizeof head);
  const std::string_view body = row.substr(0, row.size() - sizeof sum);
  std::memcpy(&sum, row.data() + body.size(), sizeof sum);
  if (head.version != 1 || head.store > 1 || checksum(body) != sum) return std::nullopt;
  const std::uint64_t item = head.store == 1 ? 2 : 4;
  if (head.dims == 0 || body.size() - sizeof head != head.dims * item) return std::nullopt;
  return head;
}

void read_value(std::string_view row, const Head& head, Embedding& value) {
  value.tokens = head.tokens;
  value.truncated_tokens = head.truncated_tokens;
  const char* numbers = row.data() + sizeof head;
  if (head.store == 0) {
    value.vector.resize(head.dims);
    std::memcpy(value.vector.data(), numbers, head.dims * sizeof(float));
    return;
  }
  value.vector.reserve(head.dims);
  for (std::uint32_t d = 0; d < head.dims; ++d) {
    std::uint16_t half = 0;
    std::memcpy(&half, numbers + d * sizeof half, sizeof half);
    value.vector.push_back(from_half(half));
  }
}

unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }
const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

/// The schedule of the key is made once; each row sets its nonce.
struct RowCodec::Cipher {
  struct Free {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
  };
  using Context = std::unique_ptr<EVP_CIPHER_CTX, Free>;
  Context sealing{EVP_CIPHER_CTX_new()};
  Context opening{EVP_CIPHER_CTX_new()};

  explicit Cipher(std::string_view key) {
    VECMILL_CHECK(
        EVP_EncryptInit_ex(sealing.get(), EVP_aes_256_gcm(), nullptr, bytes_of(key), nullptr) == 1);
    VECMILL_CHECK(
        EVP_DecryptInit_ex(opening.get(), EVP_aes_256_gcm(), nullptr, bytes_of(key), nullptr) == 1);
  }

  void seal(std::string_view plain, std::string& out) const {
    out.assign(1 + kNonce + plain.size() + kTag, kSealed);
    unsigned char* nonce = bytes_of(out) + 1;
    unsigned char* body = nonce + kNonce;
    int size = 0;
    EVP_CIPHER_CTX* context = sealing.get();
    VECMILL_CHECK(
        RAND_bytes(nonce, kNonce) == 1 &&
        EVP_EncryptInit_ex(context, nullptr, nullptr, nullptr, nonce) == 1 &&
        EVP_EncryptUpdate(context, body, &size, bytes_of(plain), static_cast<int>(plain.size())) ==
            1 &&
        EVP_EncryptFinal_ex(context, body + size, &size) == 1 &&
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, kTag, body + plain.size()) == 1);
  }

  bool open(std::string_view sealed, std::string& out) const {
    if (sealed.size() < 1 + kNonce + kTag || sealed[0] != kSealed) return false;
    const std::size_t size = sealed.size() - 1 - kNonce - kTag;
    out.resize(size);
    const unsigned char* nonce = bytes_of(sealed) + 1;
    std::array<unsigned char, kTag> tag{};
    std::memcpy(tag.data(), nonce + kNonce + size, kTag);
    int done = 0;
    EVP_CIPHER_CTX* context = opening.get();
    return EVP_DecryptInit_ex(context, nullptr, nullptr, nullptr, nonce) == 1 &&
           EVP_DecryptUpdate(context, bytes_of(out), &done, nonce + kNonce,
                             static_cast<int>(size)) == 1 &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, kTag, tag.data()) == 1 &&
           EVP_DecryptFinal_ex(context, bytes_of(out) + done, &done) == 1;
  }
};

RowCodec::RowCodec(Store store, std::unique_ptr<Cipher> cipher)
    : store_(store), cipher_(std::move(cipher)) {}
RowCodec::~RowCodec() = default;
RowCodec::RowCodec(RowCodec&&) noexcept = default;
RowCodec& RowCodec::operator=(RowCodec&&) noexcept = default;

Result<RowCodec> RowCodec::make(Store store, std::string_view encryption_key) {
  if (encryption_key.empty()) return RowCodec(store, nullptr);
  if (encryption_key.size() != 32) {
    return make_error(ErrorKind::kInvalidArgument,
                      "the key that encrypts a cache has " + std::to_string(encryption_key.size()) +
                          " bytes, not 32",
                      {}, "make one with: openssl rand 32");
  }
  return RowCodec(store, std::make_unique<Cipher>(encryption_key));
}

void RowCodec::encode(const Item& item, std::string& row) {
  std::string& plain = cipher_ ? scratch_ : row;
  const Embedding& value = *item.value;
  Head head;
  head.store = store_ == Store::kF16 ? 1 : 0;
  head.dims = static_cast<std::uint32_t>(value.vector.size());
  head.tokens = value.tokens;
  head.truncated_tokens = value.truncated_tokens;
  head.key = item.key;
  plain.clear();
  append(plain, &head, sizeof head);
  if (store_ == Store::kF32) {
    append(plain, value.vector.data(), value.vector.size() * sizeof(float));
  } else {
    for (const float number : value.vector) {
      const std::uint16_t half = to_half(number);
      append(plain, &half, sizeof half);
    }
  }
  const std::uint64_t sum = checksum(plain);
  append(plain, &sum, sizeof sum);
  if (cipher_) cipher_->seal(plain, row);
}

std::optional<std::string_view> RowCodec::unsealed(std::string_view row) {
  if (!cipher_) return row;
  if (!cipher_->open(row, scratch_)) return std::nullopt;
  return scratch_;
}

std::optional<RowCodec::Row> RowCodec::decode(std::string_view row) {
  const auto plain = unsealed(row);
  if (!plain) return std::nullopt;
  const auto head = check_row(*plain);
  if (!head) return std::nullopt;
  Row out{head->key, head->store == 1 ? Store::kF16 : Store::kF32, {}};
  read_value(*plain, *head, out.value);
  return out;
}

RowCodec::Verdict RowCodec::decode(std::string_view row, const Key& wanted, Embedding& value) {
  const auto plain = unsealed(row);
  if (!plain) return Verdict::kDamaged;
  const auto head = check_row(*plain);
  if (!head) return Verdict::kDamaged;
  if (head->key != wanted) return Verdict::kOther;
  if ((head->store == 1) != (store_ == Store::kF16)) return Verdict::kOther;
  read_value(*plain, *head, value);
  return Verdict::kHit;
}

std::string RowCodec::sample() {
  std::string out(kSample);
  if (cipher_) cipher_->seal(kSample, out);
  return out;
}

bool RowCodec::reads(std::string_view sample) {
  const auto plain = unsealed(sample);
  return plain && *plain == kSample;
}

bool RowCodec::is_sample(std::string_view sample) {
  return sample == kSample ||
         (sample.size() == 1 + kNonce + kSample.size() + kTag && sample[0] == kSealed);
}

bool keepable(const Embedding& value) {
  if (value.vector.empty() || !value.sparse.empty() || !value.multivector.empty()) {
    return false;
  }
  if (!value.degraded.empty()) return false;
  bool any = false;
  for (const float number : value.vector) {
    if (!std::isfinite(number)) return false;
    any = any || number != 0;
  }
  return any;
}

}  // namespace vecmill::cache
