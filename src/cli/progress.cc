#include "vecmill/cli/progress.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "vecmill/cli/output.h"

namespace vecmill::cli {
namespace {

using std::chrono::milliseconds;

std::string readable_seconds(double seconds) {
  const auto whole = static_cast<std::uint64_t>(std::llround(seconds));
  if (whole < 120) return std::to_string(whole) + " s";
  if (whole < 7200) return std::to_string(whole / 60) + " min";
  return std::to_string(whole / 3600) + " h " + std::to_string(whole / 60 % 60) + " min";
}

}  // namespace

std::string progress_text(const EmbedProgress& now) {
  const std::uint64_t done = now.resumed + now.texts;
  std::string text = with_commas(done);
  if (now.texts_total > 0) {
    text += " of " + with_commas(now.texts_total) + " texts  " +
            std::to_string(done * 100 / now.texts_total) + " %";
  } else {
    text += " texts";
  }
  if (now.seconds <= 0 || now.texts == 0) return text;
  const double rate = static_cast<double>(now.texts) / now.seconds;
  const auto per_second = [&](double count) {
    return with_commas(static_cast<std::uint64_t>(count / now.seconds));
  };
  text += "  " + per_second(static_cast<double>(now.texts)) + " texts/s  " +
          per_second(static_cast<double>(now.tokens)) + " tokens/s";
  if (now.cached > 0) text += "  " + std::to_string(now.cached * 100 / now.texts) + " % cached";
  if (now.failed > 0) text += "  " + with_commas(now.failed) + " failed";
  if (now.texts_total > done) {
    text += "  " + readable_seconds(static_cast<double>(now.texts_total - done) / rate) + " left";
  }
  return text;
}

ProgressLine::ProgressLine(std::string_view mode, bool quiet) : next_(Clock::now()) {
  if (quiet || mode == "none") {
    mode_ = Mode::kNone;
  } else if (mode == "auto") {
    mode_ = is_terminal() ? Mode::kBar : Mode::kPlain;
  } else {
    mode_ = mode == "bar" ? Mode::kBar : Mode::kPlain;
  }
  if (mode_ == Mode::kPlain) next_ += std::chrono::seconds(10);
}

void ProgressLine::show(const std::string& text) {
  const auto now = Clock::now();
  if (mode_ == Mode::kNone || now < next_) return;
  if (mode_ == Mode::kPlain) {
    say(text);
    next_ = now + std::chrono::seconds(10);
    return;
  }
  std::fprintf(stderr, "\r\033[K%s", text.c_str());
  std::fflush(stderr);
  shown_ = true;
  next_ = now + milliseconds(100);
}

void ProgressLine::clear() {
  if (shown_) std::fputs("\r\033[K", stderr);
  shown_ = false;
}

}  // namespace vecmill::cli
