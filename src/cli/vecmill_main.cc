#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <vector>

#include "vecmill/cli/exit_code.h"
#include "vecmill/cli/run.h"

int main(int argc, char** argv) {
  const auto environment = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return value;
  };
  try {
    return vecmill::cli::run({argv + 1, argv + argc}, environment);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: a bug in vecmill: %s\n", error.what());
    return vecmill::cli::kExitBug;
  }
}
