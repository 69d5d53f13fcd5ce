#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/cli/exit_code.h"
#include "vecmill/cli/settings.h"
#include "vecmill/result.h"

namespace vecmill::cli {

/// What a command is run with.
struct Invocation {
  Settings settings;
  std::vector<std::string> arguments;  ///< what is no flag
  std::vector<std::string> typed;      ///< the whole command line
};

/// A verb of the command line. Its data goes to standard output, everything else to standard error.
struct Command {
  std::string_view name;
  std::string_view arguments;  ///< as help shows them: "IN..."
  std::string_view summary;
  std::vector<std::string_view> flags;  ///< besides those that every command has
  std::string_view details;             ///< lines for help: what else there is to know, examples
  Result<ExitCode> (*run)(const Invocation&) = nullptr;
};

[[nodiscard]] std::span<const Command> all_commands();
[[nodiscard]] const Command* find_command(std::string_view name);

/// Flags that every command has.
[[nodiscard]] std::span<const std::string_view> common_flags();

Result<ExitCode> run_embed(const Invocation& invocation);
Result<ExitCode> run_query(const Invocation& invocation);
Result<ExitCode> run_tokenize(const Invocation& invocation);
Result<ExitCode> run_import(const Invocation& invocation);
Result<ExitCode> run_pull(const Invocation& invocation);
Result<ExitCode> run_models(const Invocation& invocation);
Result<ExitCode> run_cache(const Invocation& invocation);
Result<ExitCode> run_estimate(const Invocation& invocation);
Result<ExitCode> run_cost(const Invocation& invocation);
Result<ExitCode> run_jobs(const Invocation& invocation);
Result<ExitCode> run_worker(const Invocation& invocation);
Result<ExitCode> run_dead(const Invocation& invocation);
Result<ExitCode> run_reconcile(const Invocation& invocation);
Result<ExitCode> run_bench(const Invocation& invocation);
Result<ExitCode> run_doctor(const Invocation& invocation);
Result<ExitCode> run_online_doctor(const Invocation& invocation);
Result<ExitCode> run_config(const Invocation& invocation);
Result<ExitCode> run_version(const Invocation& invocation);
Result<ExitCode> run_completion(const Invocation& invocation);

}  // namespace vecmill::cli
