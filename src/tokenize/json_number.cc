#include "vecmill/tokenize/json_number.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <limits>
#include <string>

namespace vecmill::tokenize {
namespace {

constexpr int kMostPower = 308;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

double power_of_ten(int exponent) {
  static const auto powers_of_ten = [] {
    std::array<double, kMostPower + 1> powers;
    for (std::size_t i = 0; i < powers.size(); ++i) {
      const std::string text = "1e" + std::to_string(i);
      std::from_chars(text.data(), text.data() + text.size(), powers[i]);
    }
    return powers;
  }();
  return powers_of_ten[static_cast<std::size_t>(exponent)];
}

double scale(double value, int exponent) {
  for (; exponent < -kMostPower && value != 0; exponent += kMostPower) {
    value /= power_of_ten(kMostPower);
  }
  if (value == 0) return value;
  if (exponent > kMostPower) return std::numeric_limits<double>::infinity();
  return exponent < 0 ? value / power_of_ten(-exponent) : value * power_of_ten(exponent);
}

/// The digits that fit into 64 bits, and the power of ten that they are to be scaled by.
struct Digits {
  std::uint64_t value = 0;
  int exponent = 0;
  bool full = false;

  void add(char digit, bool behind_point) {
    const auto d = static_cast<std::uint64_t>(digit - '0');
    constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
    if (!full && value >= kMost / 10 && (value > kMost / 10 || d > kMost % 10)) full = true;
    if (!full) value = value * 10 + d;
    // Behind the point a digit that does not fit is dropped, before it the scale grows.
    if (full != behind_point) exponent += full ? 1 : -1;
  }
};

}  // namespace

double json_number(std::string_view number) {
  const bool negative = number.starts_with('-');
  if (negative) number.remove_prefix(1);
  Digits digits;
  std::size_t at = 0;
  for (; at < number.size() && is_digit(number[at]); ++at) digits.add(number[at], false);
  if (at < number.size() && number[at] == '.') {
    for (++at; at < number.size() && is_digit(number[at]); ++at) digits.add(number[at], true);
  }
  int exponent = 0;
  if (at < number.size() && (number[at] == 'e' || number[at] == 'E')) {
    const bool minus = number[++at] == '-';
    if (minus || number[at] == '+') ++at;
    constexpr int kEnough = 100000;
    for (; at < number.size() && is_digit(number[at]); ++at) {
      exponent = std::min(exponent * 10 + (number[at] - '0'), kEnough);
    }
    if (minus) exponent = -exponent;
  }
  const double value = scale(static_cast<double>(digits.value), digits.exponent + exponent);
  return negative ? -value : value;
}

}  // namespace vecmill::tokenize
