#include "vecmill/tokenize/unigram.h"

#include <algorithm>
#include <limits>

#include "vecmill/base/utf8.h"
#include "vecmill/tokenize/json_number.h"

namespace vecmill::tokenize {
namespace {

constexpr std::uint32_t kUnreached = std::numeric_limits<std::uint32_t>::max();
constexpr double kUnkPenalty = 10;

std::size_t char_size(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  return byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

/// The texts of the numbers in model.vocab; only where it is well-formed, which was seen before.
simdjson::simdjson_result<std::vector<double>> read_scores(const simdjson::padded_string& json) {
  simdjson::ondemand::parser parser;
  simdjson::ondemand::document document;
  SIMDJSON_TRY(parser.iterate(json).get(document));
  simdjson::ondemand::array entries;
  SIMDJSON_TRY(document["model"]["vocab"].get_array().get(entries));
  std::vector<double> scores;
  for (auto entry : entries) {
    simdjson::ondemand::array pair;
    SIMDJSON_TRY(entry.get_array().get(pair));
    std::string_view text;
    for (auto item : pair) text = item.raw_json_token();
    while (!text.empty() && (text.back() <= ' ')) text.remove_suffix(1);
    scores.push_back(json_number(text));
  }
  return scores;
}

Result<std::vector<Unigram::Piece>> read_pieces(const JsonNode& node) {
  simdjson::dom::array entries;
  if (node.value().get(entries) != simdjson::SUCCESS) return node.wrong("is not an array");
  std::vector<Unigram::Piece> pieces;
  for (const simdjson::dom::element entry : entries) {
    simdjson::dom::array pair;
    std::string_view text;
    double score = 0;
    if (entry.get(pair) != simdjson::SUCCESS || pair.size() != 2 ||
        pair.at(0).get(text) != simdjson::SUCCESS || pair.at(1).get(score) != simdjson::SUCCESS ||
        !is_valid_utf8(text)) {
      return node.wrong("entry " + std::to_string(pieces.size()) + " is not [\"piece\", score]");
    }
    pieces.push_back({std::string(text), score});
  }
  if (pieces.size() >= static_cast<std::size_t>(kIdLimit)) return node.wrong("is too long");
  return pieces;
}

}  // namespace

Unigram::Unigram(std::vector<Piece> pieces, const Options& options)
    : pieces_(std::move(pieces)), options_(options) {
  double lowest = std::numeric_limits<double>::infinity();
  std::vector<ByteTrie::Entry> entries;
  entries.reserve(pieces_.size());
  scores_.reserve(pieces_.size());
  for (const Piece& piece : pieces_) {
    const auto id = static_cast<TokenId>(scores_.size());
    vocabulary_.set(piece.text, id);
    entries.push_back({piece.text, id});
    scores_.push_back(piece.score);
    lowest = std::min(lowest, piece.score);
  }
  unk_score_ = lowest - kUnkPenalty;
  trie_ = ByteTrie(std::move(entries));
  bytes_ = find_byte_tokens(vocabulary_);
}

bool Unigram::find_best_ends(std::string_view word,
                             std::vector<ModelScratch::BestEnd>& ends) const {
  ends.assign(word.size() + 1, {0, kUnreached, 0});
  for (std::size_t start = 0; start < word.size();) {
    const double so_far = ends[start].score;
    const std::size_t step = char_size(word[start]);
    bool has_char = false;
    const auto offer = [&](std::size_t end, double score, TokenId id) {
      ModelScratch::BestEnd& best = ends[end];
      if (best.start != kUnreached && score <= best.score) return false;
      best = {score, static_cast<std::uint32_t>(start), id};
      return true;
    };
    trie_.prefixes(word.substr(start), [&](std::size_t length, TokenId id) {
      offer(start + length, scores_[static_cast<std::size_t>(id)] + so_far, id);
      has_char = has_char || length == step;
    });
    if (!has_char && offer(start + step, unk_score_ + so_far, options_.unk_id.value_or(0)) &&
        !options_.unk_id) {
      return false;
    }
    start += step;
  }
  return true;
}

bool Unigram::tokenize(std::string_view word, ModelScratch& scratch,
                       std::vector<TokenId>& ids) const {
  auto& ends = scratch.best_ends;
  if (!find_best_ends(word, ends)) return false;
  const std::size_t first = ids.size();
  for (std::size_t end = word.size(); end > 0;) {
    std::size_t start = ends[end].start;
    if (ends[end].id != options_.unk_id) {
      ids.push_back(ends[end].id);
    } else {
      // Neighbours that are unknown become one.
      while (start > 0 && ends[start].id == options_.unk_id) start = ends[start].start;
      append_unknown_reversed(word.substr(start, end - start), ids);
    }
    end = start;
  }
  std::reverse(ids.begin() + static_cast<std::ptrdiff_t>(first), ids.end());
  return true;
}

/// Together, unknown characters may be a piece; else they can be spelt in bytes; else it is <unk>.
void Unigram::append_unknown_reversed(std::string_view text, std::vector<TokenId>& ids) const {
  if (const auto id = vocabulary_.find(text)) {
    ids.push_back(*id);
    return;
  }
  const auto byte_id = [this](char c) { return bytes_[static_cast<unsigned char>(c)]; };
  const auto has_token = [&](char c) { return byte_id(c).has_value(); };
  if (options_.byte_fallback && std::all_of(text.begin(), text.end(), has_token)) {
    std::for_each(text.rbegin(), text.rend(), [&](char c) { ids.push_back(*byte_id(c)); });
  } else {
    ids.push_back(*options_.unk_id);
  }
}

std::string_view Unigram::id_to_token(TokenId id) const {
  const auto at = static_cast<std::size_t>(id);
  return id < 0 || at >= pieces_.size() ? std::string_view() : pieces_[at].text;
}

Result<std::unique_ptr<Model>> Unigram::from_json(const JsonNode& node,
                                                  const simdjson::padded_string& json) {
  VECMILL_TRY(node.only({"type", "unk_id", "vocab", "byte_fallback"}));
  VECMILL_ASSIGN(const JsonNode entries, node.at("vocab"));
  VECMILL_ASSIGN(std::vector<Piece> pieces, read_pieces(entries));
  std::vector<double> scores;
  if (read_scores(json).get(scores) != simdjson::SUCCESS || scores.size() != pieces.size()) {
    return entries.wrong("is there twice");
  }
  for (std::size_t i = 0; i < scores.size(); ++i) pieces[i].score = scores[i];
  Options options;
  VECMILL_ASSIGN(options.byte_fallback, node.bool_or("byte_fallback", false));
  if (const auto unk = node.find("unk_id")) {
    VECMILL_ASSIGN(const std::int64_t id, unk->integer());
    if (id < 0 || static_cast<std::size_t>(id) >= pieces.size()) {
      return unk->wrong("is " + std::to_string(id) + ", which no piece has");
    }
    options.unk_id = static_cast<TokenId>(id);
  }
  return std::unique_ptr<Model>(std::make_unique<Unigram>(std::move(pieces), options));
}

}  // namespace vecmill::tokenize
