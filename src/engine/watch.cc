#include "vecmill/watch.h"

#include <algorithm>
#include <utility>

#include "vecmill/engine/change_waiter.h"
#include "vecmill/engine/open_ends.h"
#include "vecmill/place.h"
#include "vecmill/reconcile.h"

namespace vecmill {
namespace {

constexpr std::chrono::seconds kFirstPause{1};  ///< the shortest `poll`: most outages are moments

Status check_job(const EmbedJob& job, const WatchOptions& options) {
  if (options.poll < std::chrono::seconds(1)) {
    return make_error(ErrorKind::kInvalidArgument, "is a second at least", "--poll");
  }
  if (std::ranges::find(job.inputs, "-") != job.inputs.end()) {
    return make_error(ErrorKind::kInvalidArgument, "standard input cannot be watched", "-",
                      "name a table, a file or a folder");
  }
  if (is_on_server(job.out)) return {};
  return make_error(ErrorKind::kInvalidArgument,
                    "does not say of which texts its rows are, so nobody knows what changed",
                    job.out, "watch into a table or a collection");
}

/// What another try may mend: a server that is out, a file that is just being replaced.
bool passes(ErrorKind kind, const EmbedJob& job) {
  if (kind == ErrorKind::kUnavailable) return true;
  return kind == ErrorKind::kNotFound && !is_on_server(job.inputs[0]);
}

class Watch {
 public:
  Watch(Engine& engine, EmbedJob job, const WatchListeners& listeners)
      : engine_(engine), job_(std::move(job)), listeners_(listeners) {
    // A collection is asked for what it has already; a table's missing rows are found anew.
    job_.resume = is_qdrant_url(job_.out);
  }

  /// Embeds what the output lacks now.
  Status pass(const std::stop_token& stop) {
    VECMILL_ASSIGN(const EmbedReport report, embed(stop));
    if (report.embedded + report.failed == 0 || !listeners_.pass) return {};
    return listeners_.pass(report);
  }

 private:
  Result<EmbedReport> embed(const std::stop_token& stop) {
    if (!compares()) return engine_.run(job_, listeners_.progress, stop);
    auto both = Reconciliation::open({.embed = job_, .mend = true});
    if (!both && both.error().kind == ErrorKind::kNotFound) {  // the output is still to be made
      return engine_.run(job_, listeners_.progress, stop);
    }
    if (!both) return std::move(both).error();
    VECMILL_ASSIGN(const ReconcileReport report, both->run(&engine_, {}, stop));
    return report.embedded.value_or(EmbedReport{});
  }

  /// Files beside a table: neither knows what the other lacks.
  [[nodiscard]] bool compares() const {
    return !is_on_server(job_.inputs[0]) && is_postgres_url(job_.out);
  }

  Engine& engine_;
  EmbedJob job_;
  const WatchListeners& listeners_;
};

}  // namespace

Status watch(Engine& engine, const EmbedJob& job, const WatchOptions& options,
             const WatchListeners& listeners, const std::stop_token& stop) {
  VECMILL_TRY(check_job(job, options));
  VECMILL_ASSIGN(const auto waiter, engine::make_change_waiter(job));
  const auto note = [&](const std::string& sentence) {
    if (listeners.note && !sentence.empty()) listeners.note(sentence);
  };
  note(waiter->note());
  Watch all(engine, job, listeners);
  std::chrono::seconds pause = kFirstPause;
  for (bool first = true; !stop.stop_requested(); first = false) {
    Status done = all.pass(stop);
    if (done) {
      pause = kFirstPause;
      waiter->wait(options.poll, stop);
      continue;
    }
    if (done.error().kind == ErrorKind::kCancelled) break;
    if (first || !passes(done.error().kind, job)) return done;
    note(done.error().to_string());
    (void)engine::sleep_for(pause, stop);
    pause = std::min(2 * pause, options.poll);
  }
  return {};
}

}  // namespace vecmill
