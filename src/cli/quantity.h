#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace vecmill::cli {

/// "10GB", "512 MiB", "1000": a whole number and B, kB, MB, GB, TB or KiB, MiB, GiB, TiB.
[[nodiscard]] std::optional<std::uint64_t> parse_bytes(std::string_view text);

/// "7d", "12h", "30m", "90s", "0": a whole number and a unit, in seconds; at most 100,000 days.
[[nodiscard]] std::optional<std::uint64_t> parse_age(std::string_view text);

}  // namespace vecmill::cli
