#pragma once

#include <string_view>

namespace vecmill::tokenize {

/// The value that the tokenizers library gives to a number in a file: its JSON parser (serde_json
/// without "float_roundtrip") is off by one unit in the last place now and then, and such a unit
/// decides between two ways to cut a word. `number` must be valid JSON.
[[nodiscard]] double json_number(std::string_view number);

}  // namespace vecmill::tokenize
