#pragma once

#include <optional>
#include <string>

namespace vecmill::sink {

/// The arithmetic ("bf16/1") of the vectors that a file has, finished or not. Nothing where there
/// is none, or none that can be read: `open` says what is wrong with it.
[[nodiscard]] std::optional<std::string> stored_arithmetic(const std::string& out);

}  // namespace vecmill::sink
