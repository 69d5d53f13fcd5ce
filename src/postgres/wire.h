#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/outputs.h"

namespace vecmill::postgres {

/// Types by their number in every database; those of pgvector differ from one to the next.
using Oid = std::uint32_t;
inline constexpr Oid kBytea = 17, kInt8 = 20, kInt4 = 23, kText = 25;
inline constexpr Oid kByteaArray = 1001, kInt4Array = 1007, kTextArray = 1009, kInt8Array = 1016;

/// A one-dimensional array in the binary format, grown element by element.
class ArrayBuilder {
 public:
  explicit ArrayBuilder(Oid element);

  void add(std::string_view bytes);
  void add_null();
  void add_int4(std::int32_t value);
  void add_int8(std::int64_t value);
  void add_vector(std::span<const float> values);   ///< pgvector's vector
  void add_halfvec(std::span<const float> values);  ///< and its halfvec
  /// Its sparsevec: as many dimensions as the vocabulary has tokens.
  void add_sparsevec(std::uint32_t dims, const SparseVector& values);
  void add_bits(std::span<const float> values);  ///< bit(n): 1 for what is above 0

  [[nodiscard]] std::size_t bytes() const { return out_.size(); }

  /// The finished parameter.
  [[nodiscard]] std::string take() &&;

 private:
  std::string out_;
  Oid element_;
  std::uint32_t count_ = 0;
  bool nulls_ = false;
};

/// An integer as the server sends it, of any size it has; of other bytes 0.
[[nodiscard]] std::int64_t read_integer(std::string_view bytes);

/// The components of a vector or halfvec as the server sends it; nothing when the bytes are none.
[[nodiscard]] std::optional<std::vector<float>> read_vector(std::string_view bytes);
[[nodiscard]] std::optional<std::vector<float>> read_halfvec(std::string_view bytes);

}  // namespace vecmill::postgres
