#include "vecmill/tokenize/word_chunks.h"

#include "vecmill/base/utf8.h"
#include "vecmill/tokenize/unicode.h"

namespace vecmill::tokenize {
namespace {

/// Whether a cluster starts at `at`, and not with ASCII white space.
bool starts_apart(std::string_view text, std::size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  return lead < 0x80 ? lead > ' ' : !joins_before(decode_utf8(text, at).value);
}

bool is_white_space_at(std::string_view text, std::size_t at) {
  return has(decode_utf8(text, at).value, kWhiteSpace);
}

std::size_t last_char(std::string_view text) {
  std::size_t at = text.size() - 1;
  while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) --at;
  return at;
}

}  // namespace

std::size_t chunk_end(std::string_view text, std::size_t from) {
  for (std::size_t at = text.find(' ', from + 1); at < text.size() - 1;
       at = text.find(' ', at + 1)) {
    const auto before = static_cast<unsigned char>(text[at - 1]);
    if (before > ' ' && starts_apart(text, at + 1)) return at;
  }
  return text.size();
}

bool cuts_cleanly(const Section& section) {
  const std::string& text = section.text;
  if (section.cut_left && (text.size() < 2 || text[0] != ' ' || is_white_space_at(text, 1))) {
    return false;
  }
  return !section.cut_right || (!text.empty() && !is_white_space_at(text, last_char(text)));
}

}  // namespace vecmill::tokenize
