#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace vecmill {

/// SHA-256, fed in pieces; for names and checks that must hold against anybody.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void update(std::span<const std::byte> bytes);
  void update(std::string_view text) { update(std::as_bytes(std::span(text.data(), text.size()))); }

  /// The digest in 64 lower-case hex digits. The object may not be used afterwards.
  [[nodiscard]] std::string hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

[[nodiscard]] std::string sha256_hex(std::string_view bytes);

/// XXH3, 64 bits: finds flipped bits at memory speed, protects against no one.
[[nodiscard]] std::uint64_t checksum(std::span<const std::byte> bytes);
[[nodiscard]] inline std::uint64_t checksum(std::string_view bytes) {
  return checksum(std::as_bytes(std::span(bytes.data(), bytes.size())));
}

/// XXH3, 128 bits: what shares it is taken for the same; at a billion names the chance that any two
/// of them do is below 1e-20.
struct LongChecksum {
  std::uint64_t low = 0, high = 0;
};
[[nodiscard]] LongChecksum long_checksum(std::string_view bytes);

}  // namespace vecmill
