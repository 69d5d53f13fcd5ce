#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vecmill {

/// Appends `text` (valid UTF-8) as a JSON string, quotes included.
void append_json_string(std::string& out, std::string_view text);

/// One member of a JSON object, as slices of the text it was found in.
struct JsonField {
  std::string_view key;    ///< between the quotes, escapes not resolved
  std::string_view value;  ///< raw JSON without white space around it
};

struct JsonProblem {
  std::string_view what;
  std::size_t at;  ///< byte in the text
};

/// Splits one JSON object (valid UTF-8) into its members and checks all of it against RFC 8259.
/// Unlike a document tree it keeps every value exactly as it was written.
std::optional<JsonProblem> scan_json_object(std::string_view text, std::vector<JsonField>& fields);

/// Resolves the escapes of a JSON string that was scanned; `raw` is what stands between the quotes.
/// False when it holds a lone surrogate, which has no UTF-8.
bool unescape_json(std::string_view raw, std::string& out);

/// The string that `value` is, unescaped; nothing when it is another type or has no UTF-8.
std::optional<std::string> json_string(std::string_view value);

}  // namespace vecmill
