#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "vecmill/tokenize/regex.h"

namespace vecmill::tokenize {

/// Runs a program over one text. Backtracks on a stack of its own; once it has worked for much
/// longer than a text of this length should take, it notes each state (branch, position) that
/// failed.
class RegexMatcher {
 public:
  RegexMatcher(const Regex::Program& program, std::string_view text)
      : program_(program), text_(text), patience_(16 * text.size() + 4096) {}

  /// The leftmost match at or after `from`.
  std::optional<Span> find(std::size_t from);

 private:
  /// Where to go on when the present way fails: at `at`, then at each position back to `low`.
  struct Choice {
    std::uint32_t pc;
    std::size_t at, low;
  };

  std::optional<std::size_t> run(std::uint32_t pc, std::size_t at);
  std::optional<std::size_t> follow(std::uint32_t pc, std::size_t at, std::size_t floor);
  bool enter_loop(std::uint32_t pc, std::size_t& at);
  bool enter_inner(const Regex::Inner& inner, std::uint32_t pc, std::size_t& at);
  bool backtrack(std::size_t floor, std::uint32_t& pc, std::size_t& at);
  [[nodiscard]] bool is_place(RegexNode::Kind kind, std::size_t at) const;
  [[nodiscard]] bool is_edge(const FastSet& set, std::size_t at) const;
  [[nodiscard]] std::size_t step(const FastSet& set, std::size_t at) const;
  [[nodiscard]] std::size_t char_before(std::size_t at) const;
  /// Notes that the state is tried now; whether it was before.
  bool tried(std::uint32_t pc, std::size_t at);
  void work(std::size_t steps) { patience_ -= steps < patience_ ? steps : patience_; }

  const Regex::Program& program_;
  const std::string_view text_;
  std::size_t patience_;
  std::vector<Choice> choices_;
  std::vector<std::uint64_t> tried_;  ///< a bit per state; empty while patience lasts
  std::vector<std::size_t> marks_;    ///< those set in the runs that have not ended yet
};

}  // namespace vecmill::tokenize
