#include "vecmill/tokenize/pipeline.h"

#include <atomic>

#include "vecmill/tokenize/word_chunks.h"

namespace vecmill::tokenize {
namespace {

std::uint64_t next_serial() {
  static std::atomic<std::uint64_t> serial{0};
  return ++serial;
}

bool can_work_in_chunks(const PipelineParts& parts) {
  return parts.pre_tokenizer && parts.pre_tokenizer->splits_chunks() &&
         (!parts.normalizer || parts.normalizer->keeps_chunks()) && parts.added.keep_chunks();
}

}  // namespace

/// What a thread works with: buffers that stay grown, and the chunks that it has seen.
struct Tokenizer::Pipeline::Scratch {
  std::uint64_t serial = 0;
  ChunkCache cache;
  std::vector<AddedTokens::Part> raw_parts, parts;
  Section section;
  Pieces pieces;
  ModelScratch model;
};

Tokenizer::Pipeline::Pipeline(PipelineParts parts)
    : parts_(std::move(parts)),
      works_in_chunks_(can_work_in_chunks(parts_)),
      serial_(next_serial()) {}

/// A thread keeps the scratch of the tokenizers that it used last.
Tokenizer::Pipeline::Scratch& Tokenizer::Pipeline::scratch_of_this_thread() const {
  constexpr std::size_t kKept = 8;
  thread_local std::array<std::unique_ptr<Scratch>, kKept> kept;
  std::size_t at = 0;
  while (at + 1 < kKept && kept[at] && kept[at]->serial != serial_) ++at;
  if (!kept[at] || kept[at]->serial != serial_) {
    kept[at] = std::make_unique<Scratch>();
    kept[at]->serial = serial_;
  }
  std::rotate(kept.begin(), kept.begin() + static_cast<std::ptrdiff_t>(at),
              kept.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  return *kept[0];
}

Status Tokenizer::Pipeline::tokenize(std::string_view text, std::vector<TokenId>& ids) const {
  Scratch& scratch = scratch_of_this_thread();
  parts_.added.cut_raw(text, scratch.raw_parts);
  for (const AddedTokens::Part& part : scratch.raw_parts) {
    if (part.id) {
      ids.push_back(*part.id);
    } else if (!add_section(text.substr(part.span.first, part.span.last - part.span.first),
                            part.span.first == 0, scratch, ids)) {
      return make_error(ErrorKind::kUnsupported,
                        "the text has something that the tokenizer does not know, and the "
                        "tokenizer has no token for the unknown");
    }
  }
  return {};
}

bool Tokenizer::Pipeline::add_section(std::string_view section, bool at_start, Scratch& scratch,
                                      std::vector<TokenId>& ids) const {
  if (works_in_chunks_) {
    const std::size_t before = ids.size();
    const Outcome outcome = add_chunks(section, at_start, scratch, ids);
    if (outcome != Outcome::kUnclean) return outcome == Outcome::kDone;
    ids.resize(before);
  }
  scratch.section.text = section;
  scratch.section.at_start = at_start;
  scratch.section.cut_left = scratch.section.cut_right = false;
  if (parts_.normalizer) parts_.normalizer->normalize(scratch.section);
  return add_normalized(scratch, ids);
}

/// A chunk of a section and how it is found in the cache.
struct Tokenizer::Pipeline::Chunk {
  Chunk(std::string_view section, std::size_t at, bool section_at_start)
      : text(section.substr(at, chunk_end(section, at) - at)),
        at_start(section_at_start && at == 0),
        first(at == 0),
        last(at + text.size() == section.size()),
        // A space that begins the section is not one that a chunk was cut at.
        cached(text.size() <= ChunkCache::kMostBytes && (at > 0 || text[0] != ' ')) {
    if (cached) key = ChunkCache::key(text, section.size() - at, ChunkCache::Kind::kChunk);
  }

  std::string_view text;
  bool at_start, first, last, cached;
  ChunkCache::Key key{};
};

Tokenizer::Pipeline::Outcome Tokenizer::Pipeline::add_chunks(std::string_view section,
                                                             bool at_start, Scratch& scratch,
                                                             std::vector<TokenId>& ids) const {
  Chunk next(section, 0, at_start);
  for (std::size_t end = next.text.size();; end += next.text.size()) {
    const Chunk chunk = next;
    if (!chunk.last) {
      next = Chunk(section, end, at_start);
      if (next.cached) scratch.cache.prefetch(next.key);
    }
    if (!chunk.cached || !scratch.cache.append(chunk.key, ids)) {
      const Outcome outcome = add_chunk(chunk, scratch, ids);
      if (outcome != Outcome::kDone) return outcome;
    }
    if (chunk.last) return Outcome::kDone;
  }
}

Tokenizer::Pipeline::Outcome Tokenizer::Pipeline::add_chunk(const Chunk& chunk, Scratch& scratch,
                                                            std::vector<TokenId>& ids) const {
  Section& work = scratch.section;
  const auto normalize = [&](bool cut_right) {
    work.text = chunk.text;
    work.at_start = chunk.at_start;
    work.cut_left = !chunk.first;
    work.cut_right = cut_right;
    return parts_.normalizer ? parts_.normalizer->normalize(work) : cuts_cleanly(work);
  };
  // What is clean with something behind it is right at the end of the section too.
  const bool clean = normalize(true);
  if (!clean && (!chunk.last || !normalize(false))) return Outcome::kUnclean;
  const std::size_t before = ids.size();
  if (!add_normalized(scratch, ids)) return Outcome::kNoUnknown;
  if (chunk.cached && clean) scratch.cache.insert(chunk.key, std::span(ids).subspan(before));
  return Outcome::kDone;
}

/// The tokens of the section in scratch, which is normalised.
bool Tokenizer::Pipeline::add_normalized(Scratch& scratch, std::vector<TokenId>& ids) const {
  const std::string& text = scratch.section.text;
  parts_.added.cut_normalized(text, scratch.parts);
  for (const AddedTokens::Part& part : scratch.parts) {
    if (part.id) {
      ids.push_back(*part.id);
      continue;
    }
    Pieces& pieces = scratch.pieces;
    pieces.text.assign(text, part.span.first, part.span.last - part.span.first);
    pieces.reset(scratch.section.at_start && part.span.first == 0);
    if (parts_.pre_tokenizer) parts_.pre_tokenizer->split(pieces);
    if (!add_pieces(scratch, ids)) return false;
  }
  return true;
}

bool Tokenizer::Pipeline::add_pieces(Scratch& scratch, std::vector<TokenId>& ids) const {
  const Pieces& pieces = scratch.pieces;
  const auto tokenize = [&](std::string_view word) {
    return parts_.model->tokenize(word, scratch.model, ids);
  };
  // A single one is what the chunk is, and that is not in the cache.
  const bool cached = pieces.list.size() > 1 && parts_.model->is_slow();
  for (const Piece& piece : pieces.list) {
    const std::string_view word = pieces.view(piece);
    if (!cached || word.size() > ChunkCache::kMostBytes) {
      if (!tokenize(word)) return false;
      continue;
    }
    const auto key =
        ChunkCache::key(word, pieces.text.size() - piece.first, ChunkCache::Kind::kWord);
    if (scratch.cache.append(key, ids)) continue;
    const std::size_t before = ids.size();
    if (!tokenize(word)) return false;
    scratch.cache.insert(key, std::span(ids).subspan(before));
  }
  return true;
}

}  // namespace vecmill::tokenize
