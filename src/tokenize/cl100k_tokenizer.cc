#include <charconv>

#include "vecmill/base/base64.h"
#include "vecmill/base/check.h"
#include "vecmill/tokenize/bpe.h"
#include "vecmill/tokenize/byte_level.h"
#include "vecmill/tokenize/cl100k_ranks.h"
#include "vecmill/tokenize/pipeline.h"

namespace vecmill::tokenize {
namespace {

/// tiktoken's own pattern cuts white space at the end of a text elsewhere, but no token reaches
/// over the difference: the tokens are the same.
constexpr std::string_view kPreTokenizer =
    R"({"type": "Sequence", "pretokenizers": [
      {"type": "Split", "behavior": "Isolated", "pattern": {"Regex":
        "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"}},
      {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}]})";

/// A line "IQ== 0"; the token is written in the alphabet of ByteLevel.
void read_line(std::string_view line, Vocabulary& vocabulary) {
  const std::size_t space = line.find(' ');
  VECMILL_CHECK(space != std::string_view::npos);
  const auto bytes = decode_base64(line.substr(0, space));
  TokenId rank = 0;
  const char* const end = line.data() + line.size();
  const auto [stop, error] = std::from_chars(line.data() + space + 1, end, rank);
  VECMILL_CHECK(bytes && error == std::errc() && stop == end);
  std::string token;
  for (const char byte : *bytes) token += byte_level_char(static_cast<unsigned char>(byte));
  vocabulary.set(token, rank);
}

Vocabulary read_ranks(std::string_view content) {
  Vocabulary vocabulary;
  while (!content.empty()) {
    const std::size_t end = content.find('\n');
    VECMILL_CHECK(end != std::string_view::npos);
    read_line(content.substr(0, end), vocabulary);
    content.remove_prefix(end + 1);
  }
  return vocabulary;
}

/// tiktoken merges the neighbours that make the token of the lowest rank, whichever two they are.
MergeTable merges_of(const Vocabulary& vocabulary) {
  struct Pair {
    TokenId left, right, whole;
  };
  std::vector<Pair> pairs;
  for (const auto& [text, id] : vocabulary) {
    const std::string_view token = text;
    for (std::size_t at = 1; at < token.size(); ++at) {
      if ((static_cast<unsigned char>(token[at]) & 0xC0) == 0x80) continue;  // within a byte
      const auto left = vocabulary.find(token.substr(0, at));
      const auto right = left ? vocabulary.find(token.substr(at)) : std::nullopt;
      if (right) pairs.push_back({*left, *right, id});
    }
  }
  MergeTable merges(pairs.size());
  for (const auto& [left, right, whole] : pairs) {
    merges.set(left, right, {static_cast<std::uint32_t>(whole), whole});
  }
  return merges;
}

Tokenizer make_cl100k() {
  PipelineParts parts;
  simdjson::dom::parser parser;
  auto pre_tokenizer = make_pre_tokenizer(JsonNode(parser.parse(kPreTokenizer).value(), "cl100k"));
  VECMILL_CHECK(pre_tokenizer);
  parts.pre_tokenizer = std::move(*pre_tokenizer);
  Vocabulary vocabulary = read_ranks(cl100k_ranks());
  MergeTable merges = merges_of(vocabulary);
  Bpe::Options options;
  options.ignore_merges = true;  // a word that is a token is that token, whatever its merges give
  parts.model = std::make_unique<Bpe>(std::move(vocabulary), std::move(merges), std::move(options));
  return Tokenizer(std::make_shared<const Tokenizer::Pipeline>(std::move(parts)));
}

}  // namespace

Tokenizer Tokenizer::cl100k() {
  static const Tokenizer tokenizer = make_cl100k();
  return tokenizer;
}

}  // namespace vecmill::tokenize
