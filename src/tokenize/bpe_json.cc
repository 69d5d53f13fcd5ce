#include "vecmill/tokenize/bpe.h"

namespace vecmill::tokenize {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;

std::optional<Pair> split_in_two(std::string_view line) {
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos || line.find(' ', space + 1) != std::string_view::npos) {
    return std::nullopt;
  }
  return Pair(line.substr(0, space), line.substr(space + 1));
}

std::optional<Pair> read_pair(simdjson::dom::element entry) {
  std::string_view left, right;
  simdjson::dom::array pair;
  if (entry.get(left) == simdjson::SUCCESS) return split_in_two(left);
  if (entry.get(pair) == simdjson::SUCCESS && pair.size() == 2 &&
      pair.at(0).get(left) == simdjson::SUCCESS && pair.at(1).get(right) == simdjson::SUCCESS) {
    return Pair(left, right);
  }
  return std::nullopt;
}

bool is_comment(simdjson::dom::element entry) {
  std::string_view line;
  return entry.get(line) == simdjson::SUCCESS && line.starts_with("#version");
}

/// "a b" each, or ["a", "b"] each.
Result<MergeTable> read_merges(const JsonNode& node, const Vocabulary& vocabulary,
                               std::size_t prefix_size) {
  simdjson::dom::array entries;
  if (node.value().get(entries) != simdjson::SUCCESS) return node.wrong("is not an array");
  MergeTable merges(entries.size());
  std::uint32_t rank = 0;
  for (const simdjson::dom::element entry : entries) {
    if (is_comment(entry)) continue;
    const std::string place = "entry " + std::to_string(rank);
    const auto pair = read_pair(entry);
    if (!pair) return node.wrong(place + " is not a pair");
    const auto& [left, right] = *pair;
    if (right.size() < prefix_size)
      return node.wrong(place + " lacks the prefix of its right part");
    const auto left_id = vocabulary.find(left), right_id = vocabulary.find(right);
    const auto id = vocabulary.find(std::string(left) + std::string(right.substr(prefix_size)));
    if (!left_id || !right_id || !id) {
      return node.wrong(place + " has a part or a result that is not in the vocabulary");
    }
    merges.set(*left_id, *right_id, {rank++, *id});
  }
  return merges;
}

}  // namespace

Result<std::unique_ptr<Model>> Bpe::from_json(const JsonNode& node) {
  VECMILL_TRY(
      node.only({"type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix",
                 "fuse_unk", "byte_fallback", "ignore_merges", "vocab", "merges"}));
  if (const auto dropout = node.find("dropout")) {
    VECMILL_ASSIGN(const double rate, dropout->number());
    if (rate != 0) return dropout->unsupported("dropout other than 0 gives random tokens");
  }
  Options options;
  if (const auto unk_token = node.find("unk_token")) {
    VECMILL_ASSIGN(options.unk_token, unk_token->string());
  }
  VECMILL_ASSIGN(options.continuing_subword_prefix,
                 node.string_or("continuing_subword_prefix", ""));
  VECMILL_ASSIGN(options.end_of_word_suffix, node.string_or("end_of_word_suffix", ""));
  VECMILL_ASSIGN(options.fuse_unk, node.bool_or("fuse_unk", false));
  VECMILL_ASSIGN(options.byte_fallback, node.bool_or("byte_fallback", false));
  VECMILL_ASSIGN(options.ignore_merges, node.bool_or("ignore_merges", false));
  VECMILL_ASSIGN(const JsonNode entries, node.at("vocab"));
  VECMILL_ASSIGN(Vocabulary vocabulary, Vocabulary::from_json(entries));
  VECMILL_ASSIGN(const JsonNode pairs, node.at("merges"));
  VECMILL_ASSIGN(MergeTable merges,
                 read_merges(pairs, vocabulary, options.continuing_subword_prefix.size()));
  return std::unique_ptr<Model>(
      std::make_unique<Bpe>(std::move(vocabulary), std::move(merges), std::move(options)));
}

}  // namespace vecmill::tokenize
