#include "vecmill/encode/safetensors.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <optional>
#include <utility>

namespace vecmill::encode {
namespace {

constexpr std::uint64_t kMaxHeader = 100'000'000;
constexpr std::string_view kLfsPointer = "version https://git-lfs";

struct Dtype {
  std::string_view name;
  std::uint64_t bits;
};
constexpr std::array<Dtype, 21> kDtypes = {{
    {"BOOL", 8},        {"U8", 8},   {"I8", 8},   {"F8_E5M2", 8}, {"F8_E4M3", 8},
    {"F8_E8M0", 8},     {"I16", 16}, {"U16", 16}, {"F16", 16},    {"BF16", 16},
    {"I32", 32},        {"U32", 32}, {"F32", 32}, {"F64", 64},    {"I64", 64},
    {"U64", 64},        {"C64", 64}, {"F4", 4},   {"F6_E2M3", 6}, {"F6_E3M2", 6},
    {"F8_E4M3FNUZ", 8},
}};

Error bad(const std::string& where, std::string message) {
  return make_error(ErrorKind::kInvalidData, std::move(message), where,
                    "the file is damaged or incomplete; fetch it again");
}

std::optional<std::uint64_t> multiply(std::uint64_t a, std::uint64_t b) {
  std::uint64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
  return product;
}

Result<std::uint64_t> expected_bytes(const TensorInfo& tensor, std::string_view name,
                                     const std::string& where) {
  const auto* dtype = std::find_if(kDtypes.begin(), kDtypes.end(),
                                   [&](const Dtype& d) { return d.name == tensor.dtype; });
  if (dtype == kDtypes.end()) {
    return make_error(
        ErrorKind::kUnsupported,
        "tensor '" + std::string(name) + "' has the unknown data type '" + tensor.dtype + "'",
        where);
  }
  std::optional<std::uint64_t> size = dtype->bits;
  for (const std::uint64_t extent : tensor.shape) {
    size = multiply(*size, extent);
    if (!size) return bad(where, "the size of tensor '" + std::string(name) + "' overflows");
  }
  if (*size % 8 != 0) {
    return bad(where, "tensor '" + std::string(name) + "' does not fill whole bytes");
  }
  return *size / 8;
}

/// One entry of the header; offsets in it count from the end of the header.
Result<TensorInfo> parse_tensor(std::string_view name, simdjson::dom::element entry,
                                const std::string& where) {
  const auto malformed = [&](const char* what) {
    return bad(where, "tensor '" + std::string(name) + "' has no valid " + what);
  };
  simdjson::dom::object object;
  if (entry.get(object) != simdjson::SUCCESS) return malformed("entry");
  TensorInfo tensor;
  int seen = 0;
  for (const auto& field : object) {
    if (field.key == "dtype") {
      std::string_view dtype;
      if (field.value.get(dtype) != simdjson::SUCCESS) return malformed("dtype");
      tensor.dtype = dtype;
      seen |= 1;
    } else if (field.key == "shape" || field.key == "data_offsets") {
      simdjson::dom::array array;
      if (field.value.get(array) != simdjson::SUCCESS) return malformed("shape or offsets");
      std::vector<std::uint64_t> numbers;
      for (const auto& item : array) {
        std::uint64_t number = 0;
        if (item.get(number) != simdjson::SUCCESS) return malformed("shape or offsets");
        numbers.push_back(number);
      }
      if (field.key == "shape") {
        tensor.shape = std::move(numbers);
        seen |= 2;
      } else {
        if (numbers.size() != 2 || numbers[0] > numbers[1]) return malformed("offsets");
        tensor.offset = numbers[0];
        tensor.bytes = numbers[1] - numbers[0];
        seen |= 4;
      }
    } else {
      return bad(where, "tensor '" + std::string(name) + "' has an unknown key");
    }
  }
  if (seen != 7) return malformed("dtype, shape and offsets");
  VECMILL_ASSIGN(const std::uint64_t bytes, expected_bytes(tensor, name, where));
  if (bytes != tensor.bytes) {
    return bad(where, "tensor '" + std::string(name) + "' of shape " + shape_text(tensor.shape) +
                          " and type " + tensor.dtype + " needs " + std::to_string(bytes) +
                          " bytes, its offsets span " + std::to_string(tensor.bytes));
  }
  return tensor;
}

/// In order of their offsets, the tensors must follow one another from 0 to `data_bytes`.
Status check_cover(const TensorTable& table, std::uint64_t data_bytes, const std::string& where) {
  std::vector<std::pair<const TensorInfo*, const std::string*>> order;
  for (const auto& [name, tensor] : table) order.emplace_back(&tensor, &name);
  std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    return std::pair(a.first->offset, a.first->bytes) < std::pair(b.first->offset, b.first->bytes);
  });
  std::uint64_t end = 0;
  for (const auto& [tensor, name] : order) {
    if (tensor->offset < end) return bad(where, "tensor '" + *name + "' overlaps another one");
    if (tensor->offset > end) return bad(where, "there is a hole before tensor '" + *name + "'");
    end += tensor->bytes;
    if (end > data_bytes) {
      return bad(where, "tensor '" + *name + "' ends beyond the end of the file");
    }
  }
  if (end != data_bytes) {
    return bad(where, std::to_string(data_bytes - end) + " bytes follow the last tensor");
  }
  return {};
}

Status check_metadata(simdjson::dom::element value, const std::string& where) {
  simdjson::dom::object object;
  if (value.get(object) != simdjson::SUCCESS) return bad(where, "__metadata__ is not an object");
  for (const auto& field : object) {
    if (!field.value.is_string()) return bad(where, "__metadata__ holds more than strings");
  }
  return {};
}

Result<TensorTable> parse_header(std::string_view text, const std::string& where) {
  if (!text.starts_with('{')) return bad(where, "the header does not start with '{'");
  simdjson::dom::parser parser;
  simdjson::dom::object header;
  if (parser.parse(text.data(), text.size(), true).get(header) != simdjson::SUCCESS) {
    return bad(where, "the header is not valid JSON");
  }
  TensorTable table;
  bool metadata_seen = false;
  for (const auto& field : header) {
    if (field.key == "__metadata__") {
      if (std::exchange(metadata_seen, true)) return bad(where, "__metadata__ appears twice");
      VECMILL_TRY(check_metadata(field.value, where));
      continue;
    }
    VECMILL_ASSIGN(TensorInfo tensor, parse_tensor(field.key, field.value, where));
    if (!table.emplace(field.key, std::move(tensor)).second) {
      return bad(where, "tensor '" + std::string(field.key) + "' appears twice");
    }
  }
  return table;
}

float half_to_float(std::uint16_t half) {
  const std::uint32_t sign = (half & 0x8000u) << 16;
  const std::uint32_t exponent = (half >> 10) & 0x1F;
  const std::uint32_t fraction = half & 0x3FFu;
  if (exponent == 0) {  // zero or subnormal: fraction * 2^-24 is exact in f32
    const float value = static_cast<float>(fraction) * 0x1p-24f;
    return sign != 0 ? -value : value;
  }
  const std::uint32_t wide = exponent == 0x1F ? 0xFF : exponent + 112;
  return std::bit_cast<float>(sign | wide << 23 | fraction << 13);
}

template <class Word, class Convert>
bool convert_all(std::span<const std::byte> bytes, std::span<float> out, Convert convert) {
  bool finite = true;
  for (std::size_t i = 0; i < out.size(); ++i) {
    Word word;
    std::memcpy(&word, bytes.data() + i * sizeof(Word), sizeof(Word));
    out[i] = convert(word);
    finite &= std::isfinite(out[i]);
  }
  return finite;
}

}  // namespace

Result<TensorTable> parse_safetensors(std::span<const std::byte> file, const std::string& where) {
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  if (text.starts_with(kLfsPointer)) {
    return make_error(ErrorKind::kInvalidData, "is a Git LFS pointer, not the weights", where,
                      "run 'git lfs pull' in that folder, or fetch the model again");
  }
  if (file.size() < 8) return bad(where, "is too short to be a safetensors file");
  std::uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, file.data(), 8);
  if (header_bytes > kMaxHeader) {
    return bad(where, "the header claims " + std::to_string(header_bytes) +
                          " bytes; at most 100000000 are allowed");
  }
  if (header_bytes > file.size() - 8) {
    return bad(where, "ends within its header (" + std::to_string(file.size()) + " bytes in all)");
  }
  VECMILL_ASSIGN(TensorTable table, parse_header(text.substr(8, header_bytes), where));
  VECMILL_TRY(check_cover(table, file.size() - 8 - header_bytes, where));
  for (auto& [name, tensor] : table) tensor.offset += 8 + header_bytes;
  return table;
}

Status read_floats(std::span<const std::byte> bytes, std::string_view dtype, std::span<float> out) {
  bool finite = false;
  if (dtype == "F32") {
    finite = convert_all<float>(bytes, out, [](float value) { return value; });
  } else if (dtype == "F16") {
    finite = convert_all<std::uint16_t>(bytes, out, half_to_float);
  } else if (dtype == "BF16") {
    finite = convert_all<std::uint16_t>(bytes, out, [](std::uint16_t value) {
      return std::bit_cast<float>(static_cast<std::uint32_t>(value) << 16);
    });
  } else {
    return make_error(ErrorKind::kUnsupported,
                      "weights of type " + std::string(dtype) + " are not supported", {},
                      "F32, F16 and BF16 are");
  }
  if (!finite) return make_error(ErrorKind::kInvalidData, "holds a NaN or an infinite value");
  return {};
}

std::string shape_text(std::span<const std::uint64_t> shape) {
  std::string text = "[";
  for (const std::uint64_t extent : shape) {
    if (text.size() > 1) text += ", ";
    text += std::to_string(extent);
  }
  return text + "]";
}

}  // namespace vecmill::encode
