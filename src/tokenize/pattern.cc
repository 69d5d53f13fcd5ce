#include "vecmill/tokenize/pattern.h"

#include "vecmill/base/utf8.h"

namespace vecmill::tokenize {

Result<Pattern> Pattern::from_json(const JsonNode& node) {
  VECMILL_TRY(node.only({"String", "Regex"}));
  Pattern pattern;
  if (const auto text = node.find("String")) {
    VECMILL_ASSIGN(pattern.source_, text->string());
    if (!pattern.source_.empty()) return pattern;
  } else {
    VECMILL_ASSIGN(pattern.source_, node.string_at("Regex"));
  }
  VECMILL_ASSIGN(pattern.regex_, Regex::compile(pattern.source_, node.place()));
  return pattern;
}

void Pattern::find_all(std::string_view text, std::vector<Span>& matches) const {
  matches.clear();
  if (regex_) {
    regex_->find_all(text, matches);
    return;
  }
  for (std::size_t at = text.find(source_); at != std::string_view::npos;
       at = text.find(source_, at + source_.size())) {
    matches.push_back({at, at + source_.size()});
  }
}

}  // namespace vecmill::tokenize
