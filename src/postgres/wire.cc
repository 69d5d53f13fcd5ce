#include "vecmill/postgres/wire.h"

#include <bit>
#include <utility>

#include "vecmill/base/half.h"

namespace vecmill::postgres {
namespace {

constexpr std::size_t kArrayHeader = 20;  // dimensions, nulls, element type, length, lower bound
constexpr std::size_t kVectorHeader = 4;  // components, unused
constexpr std::size_t kMostDims = 16000;

void put16(std::string& out, std::uint16_t value) {
  out += static_cast<char>(value >> 8U);
  out += static_cast<char>(value & 0xFFU);
}

void put32(std::string& out, std::uint32_t value) {
  put16(out, static_cast<std::uint16_t>(value >> 16U));
  put16(out, static_cast<std::uint16_t>(value & 0xFFFFU));
}

std::uint32_t byte_at(std::string_view bytes, std::size_t at) {
  return static_cast<unsigned char>(bytes[at]);
}

std::uint32_t get16(std::string_view bytes, std::size_t at) {
  return byte_at(bytes, at) << 8U | byte_at(bytes, at + 1);
}

/// How many components of `size` bytes follow the header.
std::optional<std::size_t> components(std::string_view bytes, std::size_t size) {
  if (bytes.size() < kVectorHeader) return std::nullopt;
  const std::size_t dims = get16(bytes, 0);
  if (dims == 0 || dims > kMostDims || get16(bytes, 2) != 0 ||
      bytes.size() != kVectorHeader + dims * size) {
    return std::nullopt;
  }
  return dims;
}

}  // namespace

ArrayBuilder::ArrayBuilder(Oid element) : out_(kArrayHeader, '\0'), element_(element) {}

void ArrayBuilder::add(std::string_view bytes) {
  put32(out_, static_cast<std::uint32_t>(bytes.size()));
  out_ += bytes;
  ++count_;
}

void ArrayBuilder::add_null() {
  put32(out_, 0xFFFFFFFFU);
  nulls_ = true;
  ++count_;
}

void ArrayBuilder::add_int4(std::int32_t value) {
  put32(out_, sizeof value);
  put32(out_, static_cast<std::uint32_t>(value));
  ++count_;
}

void ArrayBuilder::add_int8(std::int64_t value) {
  put32(out_, sizeof value);
  put32(out_, static_cast<std::uint32_t>(static_cast<std::uint64_t>(value) >> 32U));
  put32(out_, static_cast<std::uint32_t>(value));
  ++count_;
}

void ArrayBuilder::add_vector(std::span<const float> values) {
  put32(out_, static_cast<std::uint32_t>(kVectorHeader + 4 * values.size()));
  put16(out_, static_cast<std::uint16_t>(values.size()));
  put16(out_, 0);
  for (const float value : values) put32(out_, std::bit_cast<std::uint32_t>(value));
  ++count_;
}

void ArrayBuilder::add_halfvec(std::span<const float> values) {
  put32(out_, static_cast<std::uint32_t>(kVectorHeader + 2 * values.size()));
  put16(out_, static_cast<std::uint16_t>(values.size()));
  put16(out_, 0);
  for (const float value : values) put16(out_, to_half(value));
  ++count_;
}

void ArrayBuilder::add_sparsevec(std::uint32_t dims, const SparseVector& values) {
  put32(out_, static_cast<std::uint32_t>(12 + 8 * values.size()));
  put32(out_, dims);
  put32(out_, static_cast<std::uint32_t>(values.size()));
  put32(out_, 0);
  for (const TokenWeight& value : values) put32(out_, static_cast<std::uint32_t>(value.token));
  for (const TokenWeight& value : values) put32(out_, std::bit_cast<std::uint32_t>(value.weight));
  ++count_;
}

void ArrayBuilder::add_bits(std::span<const float> values) {
  std::string bits((values.size() + 7) / 8, '\0');
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] > 0) bits[i / 8] = static_cast<char>(bits[i / 8] | 0x80 >> i % 8);
  }
  put32(out_, static_cast<std::uint32_t>(4 + bits.size()));
  put32(out_, static_cast<std::uint32_t>(values.size()));
  out_ += bits;
  ++count_;
}

std::string ArrayBuilder::take() && {
  std::string header;
  put32(header, 1);
  put32(header, nulls_ ? 1 : 0);
  put32(header, element_);
  put32(header, count_);
  put32(header, 1);
  out_.replace(0, kArrayHeader, header);
  return std::move(out_);
}

std::int64_t read_integer(std::string_view bytes) {
  const std::uint64_t high = bytes.empty() ? 0 : byte_at(bytes, 0);
  std::uint64_t value = high >= 0x80 ? ~std::uint64_t{0} : 0;
  if (bytes.size() != 2 && bytes.size() != 4 && bytes.size() != 8) return 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) value = value << 8U | byte_at(bytes, i);
  return static_cast<std::int64_t>(value);
}

std::optional<std::vector<float>> read_vector(std::string_view bytes) {
  const auto dims = components(bytes, 4);
  if (!dims) return std::nullopt;
  std::vector<float> values(*dims);
  for (std::size_t i = 0; i < *dims; ++i) {
    const std::size_t at = kVectorHeader + 4 * i;
    values[i] = std::bit_cast<float>(get16(bytes, at) << 16U | get16(bytes, at + 2));
  }
  return values;
}

std::optional<std::vector<float>> read_halfvec(std::string_view bytes) {
  const auto dims = components(bytes, 2);
  if (!dims) return std::nullopt;
  std::vector<float> values(*dims);
  for (std::size_t i = 0; i < *dims; ++i) {
    values[i] = from_half(static_cast<std::uint16_t>(get16(bytes, kVectorHeader + 2 * i)));
  }
  return values;
}

}  // namespace vecmill::postgres
