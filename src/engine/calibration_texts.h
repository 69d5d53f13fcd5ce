#pragma once

#include <span>
#include <string_view>

namespace vecmill::engine {

/// Prose, code, figures and short questions in many languages and scripts; the first 24 have some
/// of each. A change of any is a new version of int8's numerics.
[[nodiscard]] std::span<const std::string_view> built_in_texts();

}  // namespace vecmill::engine
