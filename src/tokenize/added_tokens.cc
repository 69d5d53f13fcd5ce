#include "vecmill/tokenize/added_tokens.h"

#include <algorithm>

#include "vecmill/base/utf8.h"
#include "vecmill/tokenize/unicode.h"
#include "vecmill/tokenize/vocabulary.h"

namespace vecmill::tokenize {
namespace {

std::size_t char_before(std::string_view text, std::size_t at) {
  do --at;
  while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80);
  return at;
}

bool is_alone(std::string_view text, Span span) {
  const auto is_word = [&](std::size_t at) { return has(decode_utf8(text, at).value, kWord); };
  return (span.first == 0 || !is_word(char_before(text, span.first))) &&
         (span.last == text.size() || !is_word(span.last));
}

/// The span with the white space on the sides where the token wants it.
Span with_space(std::string_view text, Span span, const AddedToken& token) {
  const auto is_space = [&](std::size_t at) {
    return has(decode_utf8(text, at).value, kWhiteSpace);
  };
  while (token.lstrip && span.first > 0 && is_space(char_before(text, span.first))) {
    span.first = char_before(text, span.first);
  }
  while (token.rstrip && span.last < text.size() && is_space(span.last)) {
    span.last += decode_utf8(text, span.last).bytes;
  }
  return span;
}

bool has_space(std::string_view text) {
  for (std::size_t at = 0; at < text.size(); at += decode_utf8(text, at).bytes) {
    if (has(decode_utf8(text, at).value, kWhiteSpace)) return true;
  }
  return false;
}

}  // namespace

void AddedTokens::cut(std::string_view text, const Matcher& matcher,
                      std::vector<Part>& parts) const {
  parts.clear();
  std::size_t done = 0;
  for (std::size_t at = 0; !matcher.empty && at < text.size(); ++at) {
    if (!matcher.begins[static_cast<unsigned char>(text[at])]) continue;
    const auto match = matcher.trie.longest(text.substr(at));
    if (!match) continue;
    const Entry& entry = tokens_[static_cast<std::size_t>(match->value)];
    const Span found{at, at + match->length};
    at += match->length - 1;
    if (entry.token.single_word && !is_alone(text, found)) continue;
    Span span = with_space(text, found, entry.token);
    // The token before may have taken that space.
    if (entry.token.lstrip) span.first = std::max(span.first, done);
    if (done < span.first) parts.push_back({{done, span.first}, std::nullopt});
    parts.push_back({span, entry.id});
    done = span.last;
  }
  if (done < text.size()) parts.push_back({{done, text.size()}, std::nullopt});
}

Result<AddedTokens> AddedTokens::make(std::vector<AddedToken> tokens, const Model& model,
                                      const Normalizer* normalizer, const std::string& where) {
  AddedTokens added;
  std::unordered_map<TokenId, std::size_t> by_id;
  auto next_id = static_cast<TokenId>(model.size());
  for (AddedToken& token : tokens) {
    if (token.content.empty()) continue;
    TokenId id = next_id;
    if (const auto known = added.find(token.content)) {
      id = *known;
    } else if (const auto of_model = model.token_to_id(token.content)) {
      id = *of_model;
    } else {
      ++next_id;
      ++added.new_tokens_;
    }
    // The last one that has an id is the one that is looked for.
    const auto place = by_id.emplace(id, added.tokens_.size()).first->second;
    if (place == added.tokens_.size()) added.tokens_.emplace_back();
    added.by_content_[token.content] = place;
    added.tokens_[place] = {std::move(token), id};
  }
  if (next_id >= kIdLimit) {
    return make_error(ErrorKind::kInvalidData, "has more tokens than any model", where);
  }
  VECMILL_ASSIGN(added.raw_, added.make_matcher(false, nullptr, where));
  VECMILL_ASSIGN(added.normalized_, added.make_matcher(true, normalizer, where));
  return added;
}

Result<AddedTokens::Matcher> AddedTokens::make_matcher(bool normalized,
                                                       const Normalizer* normalizer,
                                                       const std::string& where) {
  std::vector<std::string> patterns;
  std::vector<std::int32_t> places;
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    const AddedToken& token = tokens_[i].token;
    if (token.normalized != normalized) continue;
    Section pattern{.text = token.content};
    if (normalizer != nullptr) normalizer->normalize(pattern);
    patterns.push_back(std::move(pattern.text));
    places.push_back(static_cast<std::int32_t>(i));
    if (patterns.back().empty()) {
      return make_error(ErrorKind::kInvalidData,
                        "added token " + std::to_string(i) + " is empty when normalised", where);
    }
    if (normalized && (token.rstrip || has_space(patterns.back()))) keep_chunks_ = false;
  }
  Matcher matcher;
  matcher.empty = patterns.empty();
  std::vector<ByteTrie::Entry> entries;
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    entries.push_back({patterns[i], places[i]});
    matcher.begins[static_cast<unsigned char>(patterns[i][0])] = true;
  }
  matcher.trie = ByteTrie(std::move(entries));
  std::sort(patterns.begin(), patterns.end());
  if (std::adjacent_find(patterns.begin(), patterns.end()) != patterns.end()) {
    return make_error(ErrorKind::kInvalidData, "has two added tokens that match the same text",
                      where);
  }
  return matcher;
}

std::optional<TokenId> AddedTokens::find(std::string_view content) const {
  const auto found = by_content_.find(std::string(content));
  if (found == by_content_.end()) return std::nullopt;
  return tokens_[found->second].id;
}

std::string_view AddedTokens::content(TokenId id) const {
  const auto found = std::find_if(tokens_.begin(), tokens_.end(),
                                  [id](const Entry& entry) { return entry.id == id; });
  return found == tokens_.end() ? std::string_view() : found->token.content;
}

Result<std::vector<AddedToken>> AddedTokens::read(const JsonNode& node) {
  std::vector<AddedToken> tokens;
  VECMILL_ASSIGN(const auto items, node.items());
  for (const JsonNode& item : items) {
    VECMILL_TRY(
        item.only({"id", "content", "single_word", "lstrip", "rstrip", "normalized", "special"}));
    AddedToken token;
    VECMILL_ASSIGN(token.content, item.string_at("content"));
    if (!is_valid_utf8(token.content)) return item.wrong("is not UTF-8");
    VECMILL_ASSIGN(const JsonNode id_node, item.at("id"));
    VECMILL_ASSIGN(const std::int64_t id, id_node.integer());
    if (id < 0 || id >= kIdLimit) {
      return id_node.wrong("is " + std::to_string(id) + ", which is out of range");
    }
    const std::pair<const char*, bool*> flags[] = {{"single_word", &token.single_word},
                                                   {"lstrip", &token.lstrip},
                                                   {"rstrip", &token.rstrip},
                                                   {"normalized", &token.normalized}};
    for (const auto& [name, flag] : flags) {
      VECMILL_ASSIGN(const JsonNode flag_node, item.at(name));
      VECMILL_ASSIGN(*flag, flag_node.boolean());
    }
    tokens.push_back(std::move(token));
  }
  return tokens;
}

}  // namespace vecmill::tokenize
