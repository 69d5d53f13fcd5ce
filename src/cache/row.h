#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "vecmill/cache/level.h"
#include "vecmill/result.h"

namespace vecmill::cache {

/// How the numbers of a vector are kept. kF16 is half as large and loses precision.
enum class Store : std::uint8_t { kF32, kF16 };

/// A vector as the bytes of a row and back, little-endian:
///   1 (u8), kind (u8; 0 f32, 1 f16), 0 (u16), dims, tokens, truncated tokens (u32 each), mac (32),
///   check (16), the numbers, XXH3-64 of all of it (u64)
/// or, sealed with AES-256-GCM:
///   2 (u8), nonce (12), such a row encrypted, tag (16)
/// Nothing is compressed: over 2,000 English texts (MiniLM, 384 dims) zstd makes f32 4 % and f16 0
/// % smaller and takes 1.6 to 5 us a row to read back. Used by one thread.
class RowCodec {
 public:
  /// `encryption_key`: 32 bytes, or empty for plain rows. One key seals at most 2^32 rows.
  ///   errors  kInvalidArgument: a key of another length
  static Result<RowCodec> make(Store store, std::string_view encryption_key);
  ~RowCodec();
  RowCodec(RowCodec&&) noexcept;
  RowCodec& operator=(RowCodec&&) noexcept;

  /// Replaces `row`.
  void encode(const Item& item, std::string& row);

  struct Row {
    Key key;
    Store store = Store::kF32;
    Embedding value;
  };
  /// nullopt: damaged, or sealed with another key.
  std::optional<Row> decode(std::string_view row);

  enum class Verdict : std::uint8_t {
    kHit,
    kOther,    ///< whole, but of another text or kept in another way
    kDamaged,  ///< not what was written
  };
  /// Fills `value` only on kHit.
  Verdict decode(std::string_view row, const Key& wanted, Embedding& value);

  /// A short text, sealed or plain: tells whether two codecs share a key.
  [[nodiscard]] std::string sample();
  [[nodiscard]] bool reads(std::string_view sample);
  /// Whether it looks like a sample at all, of whatever key.
  [[nodiscard]] static bool is_sample(std::string_view sample);

  [[nodiscard]] Store store() const { return store_; }
  [[nodiscard]] bool seals() const { return cipher_ != nullptr; }

 private:
  struct Cipher;
  RowCodec(Store store, std::unique_ptr<Cipher> cipher);

  std::optional<std::string_view> unsealed(std::string_view row);

  Store store_;
  std::unique_ptr<Cipher> cipher_;
  std::string scratch_;
};

/// Whether a vector may be kept: dense, finite, not all zeros and not degraded.
[[nodiscard]] bool keepable(const Embedding& value);

}  // namespace vecmill::cache
