#pragma once

#include <algorithm>
#include <string_view>
#include <vector>

namespace vecmill::cli {

/// "a,b" → "a", "b"; nothing between two separators is "".
[[nodiscard]] inline std::vector<std::string_view> split_words(std::string_view text, char at) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(at), text.size());
    words.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

}  // namespace vecmill::cli
