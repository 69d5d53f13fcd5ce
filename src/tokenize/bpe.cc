#include "vecmill/tokenize/bpe.h"

#include <algorithm>
#include <bit>

#include "vecmill/base/utf8.h"

namespace vecmill::tokenize {
namespace {

constexpr std::uint64_t kEmpty = ~std::uint64_t{0};

std::uint64_t pair_of(TokenId left, TokenId right) {
  return std::uint64_t{static_cast<std::uint32_t>(left)} << 32 | static_cast<std::uint32_t>(right);
}

using Symbol = ModelScratch::Symbol;

void add_symbol(std::vector<Symbol>& symbols, TokenId id, std::size_t size) {
  const auto at = static_cast<std::int32_t>(symbols.size());
  if (at > 0) symbols.back().after = at;
  symbols.push_back({id, static_cast<std::uint32_t>(size), at - 1, -1});
}

}  // namespace

MergeTable::MergeTable(std::size_t expected)
    : slots_(std::bit_ceil(2 * expected + 2), Slot{kEmpty, {}}) {}

std::size_t MergeTable::place(std::uint64_t pair) const {
  const std::uint64_t mask = slots_.size() - 1;
  std::uint64_t at = (pair * 0x9E3779B97F4A7C15u) >> 20 & mask;
  while (slots_[at].pair != kEmpty && slots_[at].pair != pair) at = (at + 1) & mask;
  return at;
}

void MergeTable::set(TokenId left, TokenId right, Merge merge) {
  const std::uint64_t pair = pair_of(left, right);
  slots_[place(pair)] = {pair, merge};
}

const MergeTable::Merge* MergeTable::find(TokenId left, TokenId right) const {
  const Slot& slot = slots_[place(pair_of(left, right))];
  return slot.pair == kEmpty ? nullptr : &slot.merge;
}

Bpe::Bpe(Vocabulary vocabulary, MergeTable merges, Options options)
    : vocabulary_(std::move(vocabulary)),
      merges_(std::move(merges)),
      options_(std::move(options)),
      bytes_(find_byte_tokens(vocabulary_)) {
  if (options_.unk_token) unk_ = vocabulary_.find(*options_.unk_token);
}

bool Bpe::tokenize(std::string_view word, ModelScratch& scratch, std::vector<TokenId>& ids) const {
  if (options_.ignore_merges) {
    if (const auto id = vocabulary_.find(word)) {
      ids.push_back(*id);
      return true;
    }
  }
  if (!add_chars(word, scratch)) return false;
  merge_all(scratch);
  for (const Symbol& symbol : scratch.symbols) {
    if (symbol.size > 0) ids.push_back(symbol.id);
  }
  return true;
}

/// One symbol a character. An unknown one waits until a known one follows: bytes that stand for a
/// character in between go before it, as in the library.
bool Bpe::add_chars(std::string_view word, ModelScratch& scratch) const {
  auto& symbols = scratch.symbols;
  symbols.clear();
  std::size_t unknown_size = 0;
  const auto flush = [&] {
    if (unknown_size > 0) add_symbol(symbols, *unk_, unknown_size);
    unknown_size = 0;
  };
  for (std::size_t at = 0; at < word.size();) {
    const std::size_t size = decode_utf8(word, at).bytes;
    std::string& text = scratch.text;
    text.clear();
    if (at > 0) text += options_.continuing_subword_prefix;
    text.append(word, at, size);
    at += size;
    if (at == word.size()) text += options_.end_of_word_suffix;
    if (const auto id = vocabulary_.find(text)) {
      flush();
      add_symbol(symbols, *id, size);
    } else if (!(options_.byte_fallback && add_bytes(text, scratch)) && options_.unk_token) {
      if (!unk_) return false;
      if (!options_.fuse_unk) flush();
      unknown_size += size;
    }
  }
  flush();
  return true;
}

bool Bpe::add_bytes(std::string_view text, ModelScratch& scratch) const {
  const auto byte_id = [this](char c) { return bytes_[static_cast<unsigned char>(c)]; };
  if (!std::all_of(text.begin(), text.end(), [&](char c) { return byte_id(c).has_value(); })) {
    return false;
  }
  for (const char c : text) add_symbol(scratch.symbols, *byte_id(c), 1);
  return true;
}

/// Puts the pair of the symbol at `at` and the next one into the queue.
void Bpe::offer(ModelScratch& scratch, std::int32_t at) const {
  if (at < 0) return;
  const Symbol& left = scratch.symbols[static_cast<std::size_t>(at)];
  if (left.after < 0) return;
  const Symbol& right = scratch.symbols[static_cast<std::size_t>(left.after)];
  if (const auto* merge = merges_.find(left.id, right.id)) {
    scratch.queue.push_back({merge->rank, static_cast<std::uint32_t>(at), merge->id});
  }
}

void Bpe::merge_all(ModelScratch& scratch) const {
  auto& symbols = scratch.symbols;
  auto& queue = scratch.queue;
  const auto later = [](const ModelScratch::Merge& a, const ModelScratch::Merge& b) {
    return a.rank != b.rank ? a.rank > b.rank : a.at > b.at;
  };
  queue.clear();
  for (std::size_t i = 0; i < symbols.size(); ++i) offer(scratch, static_cast<std::int32_t>(i));
  std::make_heap(queue.begin(), queue.end(), later);
  const auto offer_to_heap = [&](std::int32_t at) {
    const std::size_t before = queue.size();
    offer(scratch, at);
    if (queue.size() > before) std::push_heap(queue.begin(), queue.end(), later);
  };
  while (!queue.empty()) {
    std::pop_heap(queue.begin(), queue.end(), later);
    const ModelScratch::Merge top = queue.back();
    queue.pop_back();
    Symbol& left = symbols[top.at];
    if (left.size == 0 || left.after < 0) continue;
    Symbol& right = symbols[static_cast<std::size_t>(left.after)];
    // What stands there now may be another pair; it is merged if it gives the same token.
    const auto* merge = merges_.find(left.id, right.id);
    if (merge == nullptr || merge->id != top.id) continue;
    left.id = top.id;
    left.size += right.size;
    left.after = right.after;
    right.size = 0;
    const auto at = static_cast<std::int32_t>(top.at);
    if (left.after >= 0) symbols[static_cast<std::size_t>(left.after)].before = at;
    offer_to_heap(left.before);
    offer_to_heap(at);
  }
}

}  // namespace vecmill::tokenize
