#include "vecmill/cli/interrupt.h"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <thread>

#include "vecmill/cli/output.h"
#include "vecmill/place.h"

namespace vecmill::cli {
namespace {

std::atomic<int> first_signal{0};

std::stop_source& stop_source() {
  static std::stop_source source;
  return source;
}

void wait_for_signals(const sigset_t& signals) {
  int signal = 0;
  sigwait(&signals, &signal);
  first_signal = signal;
  say("\ninterrupted: finishing what is in flight (once more to stop at once)");
  stop_source().request_stop();
  sigwait(&signals, &signal);
  _exit(128 + signal);
}

}  // namespace

Interrupt::Interrupt() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // all later threads inherit it
  (void)stop_source();
  std::thread([signals] { wait_for_signals(signals); }).detach();
}

std::stop_token Interrupt::stop() const { return stop_source().get_token(); }

ExitCode Interrupt::exit_code() const {
  return first_signal == SIGTERM ? kExitTerminated : kExitInterrupted;
}

std::string quoted(const std::string& word) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=@%+,";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  std::string out = "'";
  for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string resume_command(const std::vector<std::string>& typed) {
  std::vector<std::string> words = typed;
  if (std::ranges::find(words, "--resume") == words.end()) {
    words.insert(std::ranges::find(words, "--"), "--resume");
  }
  std::string command = "vecmill";
  for (const std::string& word : words) command += " " + quoted(shown_place(word));
  return command;
}

}  // namespace vecmill::cli
