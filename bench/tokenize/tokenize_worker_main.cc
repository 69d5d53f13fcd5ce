// Our side of compare.py: tokenize_worker TOKENIZER_JSON TEXTS
// TEXTS holds frames (u32 byte count, bytes). For each line on standard input all texts are encoded
// once; "<seconds> <tokens>" is the answer.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/base/mapped_file.h"
#include "vecmill/tokenize/tokenizer.h"

namespace {

std::vector<std::string_view> frames(std::string_view data) {
  std::vector<std::string_view> texts;
  while (!data.empty()) {
    std::uint32_t bytes = 0;
    std::memcpy(&bytes, data.data(), sizeof bytes);
    texts.push_back(data.substr(sizeof bytes, bytes));
    data.remove_prefix(sizeof bytes + bytes);
  }
  return texts;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return std::fputs("usage: tokenize_worker TOKENIZER_JSON TEXTS\n", stderr), 2;
  const std::string json = vecmill::read_file(argv[1]).value(),
                    data = vecmill::read_file(argv[2]).value();
  const auto tokenizer = vecmill::tokenize::Tokenizer::from_json(json, argv[1]).value();
  const std::vector<std::string_view> texts = frames(data);
  std::vector<vecmill::TokenId> ids;
  for (std::string line; std::getline(std::cin, line);) {
    ids.clear();
    const auto start = std::chrono::steady_clock::now();
    for (const std::string_view text : texts) {
      const auto encoding = tokenizer.encode(text).value();
      ids.insert(ids.end(), encoding.ids.begin(), encoding.ids.end());
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    std::printf("%.9f %zu\n", took.count(), ids.size());
    std::fflush(stdout);
  }
  return 0;
}
