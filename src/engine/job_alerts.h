#pragma once

#include <memory>
#include <set>
#include <string>

#include "vecmill/engine/alert_sender.h"
#include "vecmill/jobs.h"
#include "vecmill/result.h"

namespace vecmill::engine {

/// Tells a webhook when jobs die, once for each cause, and what a worker did at its end.
class JobAlerts {
 public:
  ///   errors  as AlertSender::open
  static Result<JobAlerts> open(const AlertOptions& options);

  void died(const JobEvent& event);
  void ended(const WorkReport& report);

 private:
  explicit JobAlerts(std::unique_ptr<AlertSender> sender) : sender_(std::move(sender)) {}

  std::unique_ptr<AlertSender> sender_;
  std::set<std::string> causes_;
};

}  // namespace vecmill::engine
