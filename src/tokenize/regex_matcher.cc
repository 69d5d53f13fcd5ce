#include "vecmill/tokenize/regex_matcher.h"

#include "vecmill/base/utf8.h"

namespace vecmill::tokenize {
namespace {

using Kind = RegexNode::Kind;
using Op = Regex::Op;
constexpr std::size_t kNone = static_cast<std::size_t>(-1);

}  // namespace

std::optional<Span> RegexMatcher::find(std::size_t from) {
  for (std::size_t at = from; at <= text_.size();) {
    if (const auto end = run(0, at)) return Span{at, *end};
    if (at == text_.size()) break;
    at += decode_utf8(text_, at).bytes;
  }
  return std::nullopt;
}

std::optional<std::size_t> RegexMatcher::run(std::uint32_t pc, std::size_t at) {
  const std::size_t floor = choices_.size(), marks = marks_.size();
  const auto end = follow(pc, at, floor);
  choices_.resize(floor);
  // What was tried has failed, unless the run succeeded: then some of it is on the way there.
  for (; end && marks_.size() > marks; marks_.pop_back()) {
    tried_[marks_.back() / 64] &= ~(std::uint64_t{1} << (marks_.back() % 64));
  }
  marks_.resize(marks);
  return end;
}

std::optional<std::size_t> RegexMatcher::follow(std::uint32_t pc, std::size_t at,
                                                std::size_t floor) {
  for (;;) {
    const auto& [op, arg, branch] = program_.code[pc];
    bool ok = true;
    std::uint32_t next = pc + 1;
    switch (op) {
      case Op::kAccept: return at;
      case Op::kJump: next = arg; break;
      case Op::kSet: {
        const std::size_t behind = step(program_.sets[arg], at);
        ok = behind != kNone;
        if (ok) at = behind;
        break;
      }
      case Op::kLoop: ok = enter_loop(pc, at); break;
      case Op::kFork:
      case Op::kLeave:
        ok = !tried(pc, at);
        if (ok) choices_.push_back({op == Op::kFork ? arg : next, at, at});
        if (op == Op::kLeave) next = arg;
        break;
      case Op::kInner:
        ok = enter_inner(program_.inners[arg], pc, at);
        next = program_.inners[arg].end;
        break;
      case Op::kPlace: ok = is_place(static_cast<Kind>(arg), at); break;
      case Op::kEdge:
      case Op::kNoEdge: ok = is_edge(program_.sets[arg], at) == (op == Op::kEdge); break;
    }
    pc = next;
    if (!ok && !backtrack(floor, pc, at)) return std::nullopt;
  }
}

bool RegexMatcher::enter_loop(std::uint32_t pc, std::size_t& at) {
  const Regex::Loop& loop = program_.loops[program_.code[pc].arg];
  const FastSet& set = program_.sets[loop.set];
  const bool endless = loop.max == RegexNode::kUnbounded;
  std::size_t count = 0, low = at;
  bool known = false;  // from here on all has been tried: what remains are the shorter ways
  while (count < loop.max) {
    known = endless && count >= loop.min && tried(pc, at);
    const std::size_t next = known ? kNone : step(set, at);
    if (next == kNone) break;
    at = next;
    if (++count == loop.min) low = at;
  }
  work(count);
  if (count < loop.min) return false;
  if (!loop.possessive && count > loop.min) choices_.push_back({pc + 1, char_before(at), low});
  return !known;
}

bool RegexMatcher::enter_inner(const Regex::Inner& inner, std::uint32_t pc, std::size_t& at) {
  const auto end = run(pc + 1, at);
  if (inner.kind == Kind::kNotAhead) return !end;
  if (end && inner.kind == Kind::kAtomic) at = *end;
  return end.has_value();
}

bool RegexMatcher::backtrack(std::size_t floor, std::uint32_t& pc, std::size_t& at) {
  if (choices_.size() == floor) return false;
  work(1);
  Choice& choice = choices_.back();
  pc = choice.pc;
  at = choice.at;
  if (choice.at == choice.low) {
    choices_.pop_back();
  } else {
    choice.at = char_before(choice.at);
  }
  return true;
}

bool RegexMatcher::is_place(Kind kind, std::size_t at) const {
  const bool at_end = at == text_.size();
  const bool behind_newline = at > 0 && text_[at - 1] == '\n';
  switch (kind) {
    case Kind::kLineStart: return at == 0 || (behind_newline && !at_end);
    case Kind::kLineEnd: return at_end || text_[at] == '\n';
    case Kind::kTextStart: return at == 0;
    default: return at_end;
  }
}

bool RegexMatcher::is_edge(const FastSet& set, std::size_t at) const {
  const bool before = at > 0 && step(set, char_before(at)) != kNone;
  return before != (step(set, at) != kNone);
}

std::size_t RegexMatcher::step(const FastSet& set, std::size_t at) const {
  if (at >= text_.size()) return kNone;
  const CodePoint c = decode_utf8(text_, at);
  return set.contains(c.value) ? at + c.bytes : kNone;
}

std::size_t RegexMatcher::char_before(std::size_t at) const {
  do --at;
  while ((static_cast<unsigned char>(text_[at]) & 0xC0) == 0x80);
  return at;
}

bool RegexMatcher::tried(std::uint32_t pc, std::size_t at) {
  if (patience_ > 0) return false;
  if (tried_.empty()) tried_.resize(program_.branches * (text_.size() + 1) / 64 + 1);
  const std::size_t state = program_.code[pc].branch * (text_.size() + 1) + at;
  std::uint64_t& word = tried_[state / 64];
  const std::uint64_t bit = std::uint64_t{1} << (state % 64);
  if ((word & bit) != 0) return true;
  word |= bit;
  marks_.push_back(state);
  return false;
}

}  // namespace vecmill::tokenize
