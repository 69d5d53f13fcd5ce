#include "vecmill/sink/npy.h"

#include <charconv>
#include <optional>

#include "vecmill/base/check.h"

namespace vecmill::sink {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";

/// What stands behind 'key': in the dictionary, up to its comma; tuples whole.
std::optional<std::string_view> entry(std::string_view dict, std::string_view key) {
  std::size_t at = dict.find("'" + std::string(key) + "'");
  if (at == std::string_view::npos) return std::nullopt;
  at = dict.find(':', at);
  if (at == std::string_view::npos) return std::nullopt;
  at = dict.find_first_not_of(' ', at + 1);
  if (at == std::string_view::npos) return std::nullopt;
  const std::size_t end = dict[at] == '(' ? dict.find(')', at) : dict.find_first_of(",}", at);
  if (end == std::string_view::npos) return std::nullopt;
  return dict.substr(at, end - at);
}

std::optional<std::uint64_t> take_number(std::string_view& text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '(')) text.remove_prefix(1);
  std::uint64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(parsed.ptr - text.data()));
  while (!text.empty() && (text.front() == ' ' || text.front() == ',')) text.remove_prefix(1);
  return value;
}

Error bad(const std::string& where, std::string what) {
  return make_error(ErrorKind::kInvalidData, std::move(what), where);
}

}  // namespace

std::string npy_header(const NpyShape& shape) {
  std::string header(kMagic);
  header += '\x01';
  header += '\0';
  header += static_cast<char>(kNpyHeaderBytes - 10);
  header += '\0';
  header += std::string("{'descr': '") + (shape.half ? "<f2" : "<f4") +
            "', 'fortran_order': False, 'shape': (" + std::to_string(shape.rows) + ", " +
            std::to_string(shape.dims) + "), }";
  VECMILL_CHECK(header.size() < kNpyHeaderBytes);
  header.resize(kNpyHeaderBytes - 1, ' ');
  return header + '\n';
}

Result<NpyShape> parse_npy(std::string_view file, const std::string& where) {
  if (file.size() < 12 || !file.starts_with(kMagic)) return bad(where, "is not an .npy file");
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(file[i]); };
  const bool wide = byte(6) >= 2;  // versions 2 and 3 have four bytes of length
  const std::size_t start = wide ? 12 : 10;
  std::size_t length = byte(8) | std::size_t{byte(9)} << 8;
  if (wide) length |= std::size_t{byte(10)} << 16 | std::size_t{byte(11)} << 24;
  if (length > file.size() - start) return bad(where, "ends inside its header");
  const std::string_view dict = file.substr(start, length);
  const auto type = entry(dict, "descr");
  const auto order = entry(dict, "fortran_order");
  auto sizes = entry(dict, "shape");
  if (!type || !order || !sizes) return bad(where, "has a broken header");
  NpyShape shape;
  shape.half = *type == "'<f2'";
  if ((!shape.half && *type != "'<f4'") || *order != "False") {
    return make_error(ErrorKind::kUnsupported, "is not little-endian float32 or float16 by rows",
                      where);
  }
  const auto rows = take_number(*sizes);
  const auto dims = take_number(*sizes);
  if (!rows || !dims || !sizes->empty() || *dims == 0) {
    return bad(where, "does not have two dimensions");
  }
  shape.rows = *rows;
  shape.dims = *dims;
  shape.data_offset = start + length;
  const std::uint64_t data = file.size() - shape.data_offset;
  const std::uint64_t item = shape.half ? 2 : 4;
  if (*dims > data / item && *rows > 0) return bad(where, "is truncated");
  const bool fits =
      *rows == 0 ? data == 0 : data % (*dims * item) == 0 && data / (*dims * item) == *rows;
  if (!fits) return bad(where, "has another size than its header says; it may be truncated");
  return shape;
}

}  // namespace vecmill::sink
