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
  std::string normalized;
  Pieces pieces;
  ModelScratch model;
};

Tokenizer::Pipeline::Pipeline(PipelineParts parts)
    : parts_(std::move(parts)),
      works_in_chunks_(can_work_in_chunks(parts_)),
      serial_(next_serial()) {}

/// A thread keeps the scratch of the tokenizers that it used last.
Tokenizer::Pipeline::Scratch& Tokenizer::Pipeline::scratch_of_this_thread() const {
  constexpr std::size_t kKept = 4;
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
    const Outcome outcome = add_chunks(section, scratch, ids);
    if (outcome != Outcome::kUnclean) return outcome == Outcome::kDone;
    ids.resize(before);
  }
  scratch.normalized = section;
  if (parts_.normalizer) {
    at_start = parts_.normalizer->normalize(scratch.normalized) && at_start;
  }
  return add_normalized(scratch, at_start, ids);
}

Tokenizer::Pipeline::Outcome Tokenizer::Pipeline::add_chunks(std::string_view section,
                                                             Scratch& scratch,
                                                             std::vector<TokenId>& ids) const {
  for (std::size_t at = 0; at < section.size();) {
    const std::size_t end = chunk_end(section, at);
    const std::string_view chunk = section.substr(at, end - at);
    const bool is_short = chunk.size() <= ChunkCache::kMostBytes;
    ChunkCache::Key key;
    if (is_short) key = ChunkCache::key(chunk, section.size() - at);
    const Cuts cuts{.left = at > 0, .right = end < section.size()};
    at = end;
    if (is_short && scratch.cache.append(key, ids)) continue;

    scratch.normalized = chunk;
    if (parts_.normalizer) parts_.normalizer->normalize(scratch.normalized);
    if (!cuts_cleanly(scratch.normalized, cuts)) return Outcome::kUnclean;
    // Found later, the chunk may stand between others.
    const bool keep =
        is_short && cuts_cleanly(scratch.normalized, {.left = chunk[0] == ' ', .right = true});
    const std::size_t before = ids.size();
    if (!add_normalized(scratch, false, ids)) return Outcome::kNoUnknown;
    if (keep) scratch.cache.insert(key, std::span(ids).subspan(before));
  }
  return Outcome::kDone;
}

/// The tokens of what stands in scratch.normalized.
bool Tokenizer::Pipeline::add_normalized(Scratch& scratch, bool at_start,
                                         std::vector<TokenId>& ids) const {
  const std::string& text = scratch.normalized;
  parts_.added.cut_normalized(text, scratch.parts);
  for (const AddedTokens::Part& part : scratch.parts) {
    if (part.id) {
      ids.push_back(*part.id);
      continue;
    }
    Pieces& pieces = scratch.pieces;
    pieces.text.assign(text, part.span.first, part.span.last - part.span.first);
    pieces.reset(at_start && part.span.first == 0);
    if (parts_.pre_tokenizer) parts_.pre_tokenizer->split(pieces);
    for (const Piece& piece : pieces.list) {
      if (!parts_.model->tokenize(pieces.view(piece), scratch.model, ids)) return false;
    }
  }
  return true;
}

}  // namespace vecmill::tokenize
