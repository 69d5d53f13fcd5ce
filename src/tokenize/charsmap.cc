#include "vecmill/tokenize/charsmap.h"

#include <cstring>

#include "vecmill/base/utf8.h"
#include "vecmill/tokenize/unicode.h"

namespace vecmill::tokenize {
namespace {

std::uint32_t offset(std::uint32_t unit) { return (unit >> 10) << ((unit & 0x200) >> 6); }
std::uint32_t label(std::uint32_t unit) { return unit & 0x800000FF; }
bool has_leaf(std::uint32_t unit) { return (unit >> 8 & 1) != 0; }
std::uint32_t value(std::uint32_t unit) { return unit & 0x7FFFFFFF; }

}  // namespace

Result<Charsmap> Charsmap::parse(std::string_view bytes, const std::string& where) {
  const auto wrong = [&](const char* what) {
    return make_error(ErrorKind::kInvalidData, std::string("precompiled charsmap ") + what, where);
  };
  std::uint32_t trie_bytes = 0;
  if (bytes.size() < sizeof trie_bytes) return wrong("is cut off");
  std::memcpy(&trie_bytes, bytes.data(), sizeof trie_bytes);
  bytes.remove_prefix(sizeof trie_bytes);
  if (trie_bytes % 4 != 0 || trie_bytes == 0 || trie_bytes > bytes.size()) {
    return wrong("says a size of its trie that it does not have");
  }
  Charsmap map;
  map.units_.resize(trie_bytes / 4);
  std::memcpy(map.units_.data(), bytes.data(), trie_bytes);
  map.replacements_ = bytes.substr(trie_bytes);
  if (!map.replacements_.empty() && map.replacements_.back() != '\0') {
    return wrong("has a replacement without an end");
  }
  if (!is_valid_utf8(map.replacements_)) return wrong("has a replacement that is not UTF-8");
  map.find_plain();
  return map;
}

std::optional<std::string_view> Charsmap::shortest_prefix(std::string_view text) const {
  std::uint32_t at = offset(units_[0]);
  for (const char c : text) {
    if (c == '\0') break;
    at ^= static_cast<unsigned char>(c);
    if (at >= units_.size()) break;
    const std::uint32_t unit = units_[at];
    if (label(unit) != static_cast<unsigned char>(c)) break;
    at ^= offset(unit);
    if (at >= units_.size()) break;
    if (has_leaf(unit)) {
      const std::uint32_t start = value(units_[at]);
      if (start >= replacements_.size()) return std::nullopt;
      return std::string_view(replacements_.data() + start);
    }
  }
  return std::nullopt;
}

void Charsmap::find_plain() {
  plain_.resize(kPlain);
  std::string text;
  for (char32_t c = 1; c < kPlain; ++c) {
    text.clear();
    append_utf8(text, c);
    plain_[c] = stands_alone(c) && !shortest_prefix(text);
  }
}

void Charsmap::normalize(std::string_view text, std::string& out) const {
  std::size_t done = 0, at = 0;
  while (at < text.size()) {
    const CodePoint c = decode_utf8(text, at);
    const std::size_t next = at + c.bytes;
    if (is_plain(c.value) && (next == text.size() || is_plain(decode_utf8(text, next).value))) {
      at = next;
      continue;
    }
    const std::size_t end = grapheme_end(text, at);
    out.append(text.substr(done, at - done));
    normalize_cluster(text.substr(at, end - at), out);
    done = at = end;
  }
  out.append(text.substr(done));
}

void Charsmap::normalize_cluster(std::string_view cluster, std::string& out) const {
  constexpr std::size_t kLongest = 5;
  if (cluster.size() <= kLongest) {
    if (const auto replacement = shortest_prefix(cluster)) {
      out += *replacement;
      return;
    }
  }
  for (std::size_t at = 0; at < cluster.size();) {
    const std::string_view one = cluster.substr(at, decode_utf8(cluster, at).bytes);
    out += shortest_prefix(one).value_or(one);
    at += one.size();
  }
}

}  // namespace vecmill::tokenize
