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

Tokenizer::Pipeline::Outcome Tokenizer::Pipeline::add_chunks(std::string_view section,
                                                             bool at_start, Scratch& scratch,
                                                             std::vector<TokenId>& ids) const {
  Section& work = scratch.section;
  std::size_t end = 0;
  for (std::size_t at = 0; at < section.size(); at = end) {
    end = chunk_end(section, at);
    const std::string_view chunk = section.substr(at, end - at);
    const auto normalize = [&](bool cut_right) {
      work.text = chunk;
      work.at_start = at_start && at == 0;
      work.cut_left = at > 0;
      work.cut_right = cut_right;
      return parts_.normalizer ? parts_.normalizer->normalize(work) : cuts_cleanly(work);
    };
    // A space that begins the section is not one that a chunk was cut at.
    const bool cached = chunk.size() <= ChunkCache::kMostBytes && (at > 0 || chunk[0] != ' ');
    ChunkCache::Key key;
    if (cached) {
      key = ChunkCache::key(chunk, section.size() - at);
      if (scratch.cache.append(key, ids)) continue;
    }
    // What is clean with something behind it is right at the end of the section too.
    const bool clean = normalize(true);
    if (!clean && (end < section.size() || !normalize(false))) return Outcome::kUnclean;
    const std::size_t before = ids.size();
    if (!add_normalized(scratch, ids)) return Outcome::kNoUnknown;
    if (cached && clean) scratch.cache.insert(key, std::span(ids).subspan(before));
  }
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
    for (const Piece& piece : pieces.list) {
      if (!parts_.model->tokenize(pieces.view(piece), scratch.model, ids)) return false;
    }
  }
  return true;
}

}  // namespace vecmill::tokenize
