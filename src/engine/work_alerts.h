#pragma once

#include <chrono>
#include <memory>
#include <set>
#include <string>

#include "vecmill/engine.h"
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

/// Tells a webhook how far a run is, and how it ended, where AlertOptions::progress asks for it.
class RunAlerts {
 public:
  ///   out  where the run writes
  ///   errors  as AlertSender::open; kInvalidArgument: there is no webhook
  static Result<RunAlerts> open(const AlertOptions& options, const std::string& out);

  /// Of each window that is written; tells some of them.
  void progress(const EmbedProgress& now);
  void ended(const Result<EmbedReport>& result);

 private:
  std::unique_ptr<AlertSender> sender_;  ///< null: nobody wants to know
  std::string out_;
  double every_ = 0, next_ = 0;  ///< seconds of the run
};

}  // namespace vecmill::engine
