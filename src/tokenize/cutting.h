#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/base/utf8.h"
#include "vecmill/tokenize/pre_tokenizer.h"
#include "vecmill/tokenize/regex.h"

namespace vecmill::tokenize {

/// What becomes of the matches of a pattern and what stands between them.
enum class Behavior : std::uint8_t {
  kRemoved,
  kIsolated,
  kMergedWithPrevious,
  kMergedWithNext,
  kContiguous
};

/// Receives the parts of one piece; empty ones do not count.
class Emit {
 public:
  Emit(std::vector<Piece>& list, const Piece& piece) : list_(list), piece_(piece) {}
  void operator()(std::size_t first, std::size_t last) const {
    if (first >= last) return;
    list_.push_back({piece_.first + first, piece_.first + last, piece_.at_start && first == 0});
  }

 private:
  std::vector<Piece>& list_;
  const Piece piece_;
};

/// Replaces each piece by what `cut(text of the piece, emit)` emits.
template <class Cut>
void cut_pieces(Pieces& pieces, Cut cut) {
  pieces.spare_list.clear();
  for (const Piece& piece : pieces.list) {
    cut(pieces.view(piece), Emit(pieces.spare_list, piece));
  }
  pieces.list.swap(pieces.spare_list);
}

/// Replaces the text of each piece by what `write(text, at_start, out)` appends to `out`.
template <class Write>
void rewrite_pieces(Pieces& pieces, Write write) {
  pieces.spare_text.clear();
  for (Piece& piece : pieces.list) {
    const std::size_t first = pieces.spare_text.size();
    write(pieces.view(piece), piece.at_start, pieces.spare_text);
    piece.first = first;
    piece.last = pieces.spare_text.size();
  }
  pieces.text.swap(pieces.spare_text);
}

/// A match, or what stands between two.
struct Part {
  std::size_t first, last;
  bool is_match;
};

void parts_between(const std::vector<Span>& matches, std::size_t size, std::vector<Part>& parts);
void emit_parts(const std::vector<Part>& parts, Behavior behavior, const Emit& emit);

/// Each character that `matches` holds for is a match of its own.
template <class Matches>
void split_at_chars(Pieces& pieces, Matches matches, Behavior behavior) {
  std::vector<Part> parts;
  cut_pieces(pieces, [&](std::string_view text, const Emit& emit) {
    parts.clear();
    std::size_t begun = 0;
    for (std::size_t at = 0; at < text.size();) {
      const CodePoint c = decode_utf8(text, at);
      const std::size_t next = at + c.bytes;
      if (matches(c.value)) {
        if (begun < at) parts.push_back({begun, at, false});
        parts.push_back({at, next, true});
        begun = next;
      }
      at = next;
    }
    if (begun < text.size()) parts.push_back({begun, text.size(), false});
    emit_parts(parts, behavior, emit);
  });
}

}  // namespace vecmill::tokenize
