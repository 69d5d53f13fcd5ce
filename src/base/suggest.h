#pragma once

#include <span>
#include <string>
#include <string_view>

namespace vecmill {

/// How many insertions, deletions, replacements and swaps of neighbours lie between two words.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

/// "did you mean X?" with the nearest candidate, or nothing when none is near.
[[nodiscard]] std::string suggestion(std::string_view word,
                                     std::span<const std::string_view> candidates);

}  // namespace vecmill
