#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace vecmill::tokenize {

/// What stands between two added tokens, or a chunk of it.
///
/// A section can be worked on in chunks, so that the tokens of a chunk seen before need not be
/// computed again. It is cut before a lone ASCII space, with something that is no white space on
/// both sides; that space begins the next chunk: "one two  three" has the chunks "one" and
/// " two  three". Where both Normalizer::keeps_chunks() and PreTokenizer::splits_chunks(), a
/// section gives what its chunks give one after the other, if Normalizer::normalize() succeeds for
/// each.
struct Section {
  std::string text;
  bool at_start = false;  ///< it begins where the whole input begins
  bool cut_left = false, cut_right = false;
  std::string spare = {};  ///< what the steps work in; kept from section to section, it stays grown
};

/// The end of the chunk that starts at `from`; text.size() when it is the last one.
[[nodiscard]] std::size_t chunk_end(std::string_view text, std::size_t from);

/// Whether the sides where the section was cut (still) have the shape that lets it be cut.
[[nodiscard]] bool cuts_cleanly(const Section& section);

}  // namespace vecmill::tokenize
