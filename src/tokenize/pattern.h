#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/result.h"
#include "vecmill/tokenize/json_node.h"
#include "vecmill/tokenize/regex.h"

namespace vecmill::tokenize {

/// {"String": ..} or {"Regex": ..} of Replace and Split.
class Pattern {
 public:
  ///   errors  kInvalidData, kUnsupported
  static Result<Pattern> from_json(const JsonNode& node);

  /// The matches from left to right, none over another. An empty match directly behind another
  /// match does not count.
  void find_all(std::string_view text, std::vector<Span>& matches) const;

  [[nodiscard]] const std::string& source() const { return source_; }
  [[nodiscard]] bool is_regex() const { return regex_.has_value(); }

 private:
  std::string source_;
  std::optional<Regex> regex_;  ///< not there: source_ stands for itself
};

}  // namespace vecmill::tokenize
