// Token ids of many texts, for comparison with another implementation.
//
//   tokenize_ids PATH   a tokenizer.json, a sentencepiece.bpe.model, a vocab.txt (cased:
//   .cased.txt), or cl100k
//
// Reads frames (u32 byte count, bytes) from standard input until its end, and then writes frames
// (u32 token count, u32 ids) to standard output; the count 0xFFFFFFFF stands for an error.
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/tokenize/tokenizer.h"

namespace {

using vecmill::Result;
using vecmill::tokenize::Tokenizer;

Result<Tokenizer> load(const std::string& path) {
  if (path == "cl100k") return Tokenizer::cl100k();
  std::ifstream file(path, std::ios::binary);
  const std::string content(std::istreambuf_iterator<char>(file), {});
  if (path.ends_with(".json")) return Tokenizer::from_json(content, path);
  if (path.ends_with(".txt")) {
    return Tokenizer::from_vocab_txt(content, path, !path.ends_with(".cased.txt"));
  }
  return Tokenizer::from_sentencepiece(content, path);
}

bool read(void* to, std::size_t bytes) { return std::fread(to, 1, bytes, stdin) == bytes; }

void write_ids(const Result<vecmill::tokenize::Encoding>& encoding) {
  const std::uint32_t count =
      encoding ? static_cast<std::uint32_t>(encoding->ids.size()) : 0xFFFFFFFFu;
  std::fwrite(&count, sizeof count, 1, stdout);
  if (!encoding) return;
  for (const vecmill::TokenId id : encoding->ids) {
    const auto wide = static_cast<std::uint32_t>(id);
    std::fwrite(&wide, sizeof wide, 1, stdout);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return std::fputs("usage: tokenize_ids PATH < frames > frames\n", stderr), 2;
  const Result<Tokenizer> tokenizer = load(argv[1]);
  if (!tokenizer) {
    std::fprintf(stderr, "%s\n", tokenizer.error().message.c_str());
    return 1;
  }
  std::string text;
  for (std::uint32_t bytes = 0; read(&bytes, sizeof bytes);) {
    text.resize(bytes);
    if (!read(text.data(), bytes)) return std::fputs("a frame is cut off\n", stderr), 2;
    write_ids(tokenizer->encode(text));
  }
  return 0;
}
