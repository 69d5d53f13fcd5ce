#include "vecmill/engine/job_alerts.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace vecmill::engine {
namespace {

using nlohmann::ordered_json;

std::string text_of(const ordered_json& json) {
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace

Result<JobAlerts> JobAlerts::open(const AlertOptions& options) {
  AlertOptions ours = options;
  // People are told by the worker itself; what is left is that the webhook failed.
  ours.tell = [tell = options.tell](const SpendAlert& alert) {
    if (tell && alert.json.empty()) tell(alert);
  };
  VECMILL_ASSIGN(auto sender, AlertSender::open(std::move(ours)));
  return JobAlerts(std::move(sender));
}

void JobAlerts::died(const JobEvent& event) {
  if (!causes_.insert(event.cause).second) return;
  const std::string line = "jobs die: " + event.cause + " (job " + std::to_string(event.job) +
                           " of " + event.group + ")";
  sender_->send({line, text_of({{"text", line},
                                {"alert", "dead_letters"},
                                {"cause", event.cause},
                                {"job", event.job},
                                {"group", event.group}})});
}

void JobAlerts::ended(const WorkReport& report) {
  const std::string line = "a worker ended: " + std::to_string(report.done + report.split) +
                           " jobs done, " + std::to_string(report.dead) + " given up";
  sender_->send({line, text_of({{"text", line},
                                {"alert", "worker_ended"},
                                {"done", report.done},
                                {"split", report.split},
                                {"retried", report.retried},
                                {"dead", report.dead},
                                {"texts", report.texts},
                                {"tokens", report.tokens},
                                {"seconds", report.seconds}})});
}

}  // namespace vecmill::engine
