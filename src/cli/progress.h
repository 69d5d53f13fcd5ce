#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "vecmill/engine.h"

namespace vecmill::cli {

/// How far a run is, in words: "12,000 of 48,000 texts  25 %  1,520 texts/s  190,000 tokens/s
/// 24 s left". The whole never changes during a run.
[[nodiscard]] std::string progress_text(const EmbedProgress& now);

/// Shows progress on standard error: a line that moves (bar), a new line every ten seconds (plain),
/// nothing (none), or what the terminal allows (auto).
class ProgressLine {
 public:
  using Clock = std::chrono::steady_clock;
  ProgressLine(std::string_view mode, bool quiet);
  ~ProgressLine() { clear(); }

  /// Shows it if the last one is long enough ago.
  void show(const EmbedProgress& now) { show(progress_text(now)); }
  void show(const std::string& text);
  /// Takes the moving line away.
  void clear();

 private:
  enum class Mode { kNone, kPlain, kBar };
  Mode mode_;
  Clock::time_point next_;
  bool shown_ = false;
};

}  // namespace vecmill::cli
