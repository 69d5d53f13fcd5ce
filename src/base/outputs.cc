#include "vecmill/outputs.h"

#include <algorithm>
#include <array>
#include <utility>

namespace vecmill {
namespace {

constexpr std::array<std::pair<std::string_view, bool Outputs::*>, 3> kNames = {{
    {"dense", &Outputs::dense},
    {"sparse", &Outputs::sparse},
    {"multivector", &Outputs::multivector},
}};

}  // namespace

std::string name(const Outputs& outputs) {
  std::string text;
  for (const auto& [word, member] : kNames) {
    if (outputs.*member) text.append(text.empty() ? "" : ",").append(word);
  }
  return text;
}

Result<Outputs> parse_outputs(std::string_view text, const std::string& where) {
  Outputs outputs{false, false, false};
  while (true) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const std::string_view word = text.substr(0, comma);
    const auto known = std::find_if(kNames.begin(), kNames.end(),
                                    [&](const auto& entry) { return entry.first == word; });
    if (known == kNames.end() || std::exchange(outputs.*(known->second), true)) {
      return make_error(ErrorKind::kInvalidArgument,
                        "\"" + std::string(word) + "\" is " +
                            (known == kNames.end() ? "no output" : "there twice"),
                        where, "name some of dense, sparse and multivector, with commas between");
    }
    if (comma == text.size()) return outputs;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace vecmill
