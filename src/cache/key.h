#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace vecmill::cache {

/// Names the vector of one text in one space for one tenant. Tells nothing of the text to anybody
/// who lacks the tenant's secret. Equal `mac` with another `check` is a collision: a miss.
struct Key {
  std::array<std::byte, 32> mac{};
  std::array<std::byte, 16> check{};

  bool operator==(const Key&) const = default;

  /// The first bytes of `mac`: what tables are sorted by.
  [[nodiscard]] std::uint64_t prefix() const;

  /// The first 16 of them: what servers keep it under. Another's row there is a collision.
  [[nodiscard]] std::string name() const;
};

/// Makes the keys of one tenant and one fingerprint:
///   mac    HMAC-SHA-256(secret, len(fingerprint) fingerprint len(text) text)
///   check  XXH3-128 of the text under a secret of six blocks n = "0" .. "5", each
///          HMAC-SHA-256(secret, "vecmill-cache-check" n len(fingerprint) fingerprint);
///          the text goes through no step that `mac` has
/// Lengths are 8 bytes, little-endian, so that no two inputs look alike. Safe from any thread.
class KeyMaker {
 public:
  /// `secret`: of the tenant; 16 random bytes at least. `fingerprint`: space and arithmetic.
  KeyMaker(std::string_view secret, std::string_view fingerprint);
  ~KeyMaker();
  KeyMaker(KeyMaker&&) noexcept;
  KeyMaker& operator=(KeyMaker&&) noexcept;

  /// The exact bytes of the text count; nothing is normalised.
  [[nodiscard]] Key operator()(std::string_view text) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace vecmill::cache
