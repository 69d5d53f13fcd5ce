#include "vecmill/cli/quantity.h"

#include <charconv>
#include <limits>
#include <span>
#include <utility>

namespace vecmill::cli {
namespace {

using Unit = std::pair<std::string_view, std::uint64_t>;

constexpr std::uint64_t kDay = 86'400;
constexpr std::uint64_t kMostSeconds = 100'000 * kDay;

/// A whole number, blanks, and one of the units; nothing that is more than `most`.
std::optional<std::uint64_t> parse(std::string_view text, std::span<const Unit> units,
                                   std::uint64_t most) {
  std::uint64_t number = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
  while (text.starts_with(' ')) text.remove_prefix(1);
  for (const auto& [name, size] : units) {
    if (text != name) continue;
    if (number > most / size) return std::nullopt;
    return number * size;
  }
  if (number == 0 && text.empty()) return 0;
  return std::nullopt;
}

}  // namespace

std::optional<std::uint64_t> parse_bytes(std::string_view text) {
  constexpr std::uint64_t kK = 1000, kKi = 1024;
  constexpr Unit kUnits[] = {{"", 1},
                             {"B", 1},
                             {"kB", kK},
                             {"MB", kK * kK},
                             {"GB", kK * kK * kK},
                             {"TB", kK * kK * kK * kK},
                             {"KiB", kKi},
                             {"MiB", kKi * kKi},
                             {"GiB", kKi * kKi * kKi},
                             {"TiB", kKi * kKi * kKi * kKi}};
  return parse(text, kUnits, std::numeric_limits<std::int64_t>::max());
}

std::optional<std::uint64_t> parse_age(std::string_view text) {
  constexpr Unit kUnits[] = {{"s", 1}, {"m", 60}, {"h", 3600}, {"d", kDay}};
  return parse(text, kUnits, kMostSeconds);
}

}  // namespace vecmill::cli
