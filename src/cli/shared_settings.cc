#include "vecmill/cli/shared_settings.h"

#include "vecmill/cli/output.h"

namespace vecmill::cli {

SharedOptions shared_options(const Settings& settings) {
  SharedOptions options;
  options.server = settings.text("shared");
  options.password_env = settings.text("redis-password-env");
  options.ca_file = settings.text("redis-ca-file");
  options.cache_only = settings.on("shared-cache-only");
  options.max_bytes = settings.bytes("shared-cache-size");
  return options;
}

Status add_shared(const Settings& settings, ModelOptions& options) {
  options.shared = shared_options(settings);
  VECMILL_ASSIGN(const std::string warning, check_shared_state(options));
  if (!warning.empty()) say(warning);
  return {};
}

std::string shared_json(const SharedReport& report) {
  return JsonObject()
      .yes("used", report.used)
      .count("admitted", report.admitted)
      .count("alone", report.alone)
      .count("processes", report.processes)
      .text("failure", report.failure)
      .line();
}

void say_shared(const SharedReport& report) {
  if (!report.used) return;
  say("limits shared: " + with_commas(report.admitted) + " requests, " + with_commas(report.alone) +
      " of them by this process's share alone; processes seen: " + with_commas(report.processes));
  if (!report.failure.empty()) say(report.failure);
}

}  // namespace vecmill::cli
