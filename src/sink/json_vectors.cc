#include "vecmill/sink/json_vectors.h"

#include <array>
#include <charconv>

#include "vecmill/sink/row_text.h"

namespace vecmill::sink {
namespace {

/// "[a,b]", each item by `append(i)`.
template <class Append>
void append_list(std::string& out, std::size_t count, Append append) {
  out += '[';
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) out += ',';
    append(i);
  }
  out += ']';
}

template <class Number>
void append_number(std::string& out, Number value) {
  std::array<char, 32> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  out.append(digits.data(), end.ptr);
}

}  // namespace

void append_numbers(std::string& out, std::span<const float> values, bool half) {
  append_list(out, values.size(),
              [&](std::size_t i) { append_number(out, stored(values[i], half)); });
}

void append_sparse(std::string& out, const SparseVector& weights, bool half) {
  out += "{\"indices\":";
  append_list(out, weights.size(), [&](std::size_t i) { append_number(out, weights[i].token); });
  out += ",\"values\":";
  append_list(out, weights.size(),
              [&](std::size_t i) { append_number(out, stored(weights[i].weight, half)); });
  out += '}';
}

void append_rows(std::string& out, std::span<const float> all, std::size_t dims, bool half) {
  append_list(out, all.size() / dims,
              [&](std::size_t i) { append_numbers(out, all.subspan(i * dims, dims), half); });
}

}  // namespace vecmill::sink
