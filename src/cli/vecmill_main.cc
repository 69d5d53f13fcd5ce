#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/cli/exit_code.h"
#include "vecmill/cli/run.h"

namespace {

/// Where a check that does not hold and an exception on a thread end.
extern "C" void on_abort(int /*signal*/) {
  constexpr std::string_view kText = "error: this is a bug in vecmill; please report it\n";
  (void)!write(STDERR_FILENO, kText.data(), kText.size());
  _exit(vecmill::cli::kExitBug);
}

}  // namespace

int main(int argc, char** argv) {
  const auto environment = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return value;
  };
  (void)std::signal(SIGABRT, on_abort);
  try {
    return vecmill::cli::run({argv + 1, argv + argc}, environment);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: a bug in vecmill: %s\n", error.what());
    return vecmill::cli::kExitBug;
  }
}
