#include "vecmill/engine/work_alerts.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "vecmill/place.h"

namespace vecmill::engine {
namespace {

using nlohmann::ordered_json;

/// For the webhook only: people are told by the command itself; what is left for them is that the
/// webhook failed.
Result<std::unique_ptr<AlertSender>> open_sender(const AlertOptions& options) {
  AlertOptions ours = options;
  ours.tell = [tell = options.tell](const SpendAlert& alert) {
    if (tell && alert.json.empty()) tell(alert);
  };
  return AlertSender::open(std::move(ours));
}

void send(AlertSender& sender, const std::string& alert, const std::string& line,
          const ordered_json& more) {
  ordered_json json{{"text", line}, {"alert", alert}};
  json.update(more);
  sender.send({line, json.dump(-1, ' ', false, ordered_json::error_handler_t::replace)});
}

std::string count_of(std::uint64_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

}  // namespace

Result<JobAlerts> JobAlerts::open(const AlertOptions& options) {
  VECMILL_ASSIGN(auto sender, open_sender(options));
  return JobAlerts(std::move(sender));
}

void JobAlerts::died(const JobEvent& event) {
  if (!causes_.insert(event.cause).second) return;
  send(*sender_, "dead_letters",
       "jobs die: " + event.cause + " (job " + std::to_string(event.job) + " of " + event.group +
           ")",
       {{"cause", event.cause}, {"job", event.job}, {"group", event.group}});
}

void JobAlerts::ended(const WorkReport& report) {
  send(*sender_, "worker_ended",
       "a worker ended: " + count_of(report.done + report.split, "job") + " done, " +
           std::to_string(report.dead) + " given up",
       {{"done", report.done},
        {"split", report.split},
        {"retried", report.retried},
        {"dead", report.dead},
        {"texts", report.texts},
        {"tokens", report.tokens},
        {"seconds", report.seconds}});
}

Result<RunAlerts> RunAlerts::open(const AlertOptions& options, const std::string& out) {
  RunAlerts alerts;
  if (options.progress.count() == 0) return alerts;
  if (options.webhook.empty()) {
    return make_error(ErrorKind::kInvalidArgument, "there is no webhook to tell of progress",
                      "alert_progress", "name it with alert_webhook");
  }
  VECMILL_ASSIGN(alerts.sender_, open_sender(options));
  alerts.out_ = shown_place(out);
  alerts.every_ = alerts.next_ = static_cast<double>(options.progress.count());
  return alerts;
}

void RunAlerts::progress(const EmbedProgress& now) {
  if (!sender_ || now.seconds < next_ || sender_->is_behind()) return;
  next_ = now.seconds + every_;
  const std::uint64_t done = now.resumed + now.texts;
  const double rate = static_cast<double>(now.texts) / now.seconds;
  ordered_json more{{"out", out_},
                    {"done", done},
                    {"failed", now.failed},
                    {"tokens", now.tokens},
                    {"cached", now.cached},
                    {"seconds", now.seconds},
                    {"texts_per_second", rate}};
  std::string whole;
  if (now.texts_total > 0) {
    whole = " of " + std::to_string(now.texts_total);
    more["texts_total"] = now.texts_total;
    if (rate > 0) {
      more["seconds_left"] =
          static_cast<double>(now.texts_total - std::min(done, now.texts_total)) / rate;
    }
  }
  send(*sender_, "progress", out_ + ": " + std::to_string(done) + whole + " texts", more);
}

void RunAlerts::ended(const Result<EmbedReport>& result) {
  if (!sender_) return;
  if (!result) {
    const bool stopped = result.error().kind == ErrorKind::kCancelled;
    send(*sender_, stopped ? "run_interrupted" : "run_failed",
         out_ + (stopped ? ": the run was interrupted" : ": " + result.error().to_string()),
         {{"out", out_}, {"error", name(result.error().kind)}});
    return;
  }
  send(*sender_, "run_ended",
       out_ + ": " + count_of(result->embedded, "text") + " embedded, " +
           std::to_string(result->failed) + " failed",
       {{"out", out_},
        {"embedded", result->embedded},
        {"failed", result->failed},
        {"skipped", result->skipped},
        {"resumed", result->resumed},
        {"tokens", result->tokens},
        {"seconds", result->seconds},
        {"load_seconds", result->load_seconds},
        {"peak_rss_bytes", result->peak_rss_bytes},
        {"cost_usd", result->spend.cost}});
}

}  // namespace vecmill::engine
