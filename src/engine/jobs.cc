#include "vecmill/jobs.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <random>
#include <utility>

#include "vecmill/base/utf8.h"
#include "vecmill/engine/dtype.h"
#include "vecmill/engine/job_output.h"
#include "vecmill/engine/job_payload.h"
#include "vecmill/engine/job_records.h"
#include "vecmill/engine/job_worker.h"
#include "vecmill/engine/open_queue.h"
#include "vecmill/engine/open_source.h"
#include "vecmill/engine/work_alerts.h"
#include "vecmill/place.h"

namespace vecmill {
namespace {

namespace fs = std::filesystem;

/// "20261122-070311-4f2a91": never a number, which would name one job.
std::string made_up_name() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 32> day{}, end{};
  std::strftime(day.data(), day.size(), "%Y%m%d-%H%M%S", &parts);
  std::snprintf(end.data(), end.size(), "-%06x", std::random_device{}() & 0xFFFFFF);
  return std::string(day.data()) + end.data();
}

Error bad(std::string message, const std::string& where, std::string hint) {
  return make_error(ErrorKind::kInvalidArgument, std::move(message), where, std::move(hint));
}

bool is_number(const std::string& text) {
  return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

/// A worker may stand in another folder, on another machine, and the queue keeps no secret.
Status make_portable(EmbedJob& job) {
  if (!is_valid_utf8(job.out)) return bad("the name of the output is not UTF-8", {}, "rename it");
  std::vector<std::string*> places{&job.out};
  for (std::string& input : job.inputs) places.push_back(&input);
  for (std::string* place : places) {
    if (place != &job.out && *place == "-") continue;
    if (place != &job.out && is_qdrant_url(*place)) {
      return bad("a collection is no input of jobs", shown_place(*place),
                 "`vecmill embed` does one, and --resume goes on after an interruption");
    }
    if (!is_on_server(*place)) {
      *place = fs::absolute(*place).lexically_normal();
    } else if (shown_place(*place) != *place) {
      return bad("has a password, and whoever reads the queue would read it", shown_place(*place),
                 "leave it out, and give the workers PGPASSWORD or ~/.pgpass");
    }
  }
  return {};
}

queue::JobFilter filter_of(const JobSelection& which, bool dead_only) {
  queue::JobFilter filter;
  filter.ids = which.ids;
  filter.group = which.group;
  filter.cause = which.cause;
  if (dead_only) filter.state = queue::State::kDead;
  return filter;
}

JobStatus status_of(const queue::JobInfo& job) {
  JobStatus status;
  status.id = job.id;
  status.group = job.group;
  status.state = name(job.state);
  const auto payload = engine::parse_payload(job.payload);
  status.texts = payload ? engine::texts_of(*payload) : "?";
  status.claims = job.claims;
  status.failures = job.failures;
  status.crashes = job.crashes;
  status.made = job.made;
  status.due = job.due;
  status.lease_ends = job.lease_ends;
  status.ended = job.ended;
  status.worker = job.worker;
  status.cause = job.cause;
  status.message = job.message;
  return status;
}

std::uint64_t& count_of(GroupStatus& group, queue::State state) {
  switch (state) {
    case queue::State::kWaiting: return group.waiting;
    case queue::State::kDelayed: return group.delayed;
    case queue::State::kLeased: return group.leased;
    case queue::State::kDone: return group.done;
    case queue::State::kDead: return group.dead;
    default: return group.cancelled;
  }
}

/// What all jobs of a submission have in common; the output is ready then, and the input leaves
/// out what it has.
Result<engine::JobPayload> pattern_of(const Submission& submission, EmbedJob job,
                                      engine::Input& input) {
  job.resume = true;  // workers add to what is there
  ModelOptions model = submission.model;
  VECMILL_ASSIGN(model.dtype, dtype_for(job, model));
  VECMILL_ASSIGN(const auto engine, Engine::open(model));
  const SpaceInfo space = engine->capabilities(job.options).space;
  if (space.outputs != job.options.outputs) {
    return make_error(ErrorKind::kUnsupported,
                      "gives " + name(space.outputs) + " vectors only, " +
                          name(job.options.outputs) + " was asked for",
                      space.model);
  }
  VECMILL_ASSIGN(const engine::JobOutput output, engine::open_job_output(job, space, input.keys()));
  if (input.table) input.table->leave_out(output.table);
  engine::JobPayload pattern;
  pattern.model = submission.model.model;
  pattern.dtype = engine::dtype_of(space.arithmetic);
  pattern.dims = submission.model.dims;
  pattern.max_seq_length = submission.model.max_seq_length;
  pattern.space = space.space;
  pattern.arithmetic = space.arithmetic;
  pattern.job = std::move(job);
  return pattern;
}

}  // namespace

std::string_view name(JobEnd end) {
  switch (end) {
    case JobEnd::kDone: return "done";
    case JobEnd::kSplit: return "split";
    case JobEnd::kRetry: return "retry";
    case JobEnd::kDead: return "dead";
    case JobEnd::kReleased: return "released";
    case JobEnd::kOvertaken: return "overtaken";
  }
  return "";
}

struct JobQueue::State {
  std::unique_ptr<queue::Queue> queue;
};

JobQueue::JobQueue(std::unique_ptr<State> state) : state_(std::move(state)) {}
JobQueue::~JobQueue() = default;

Result<std::unique_ptr<JobQueue>> JobQueue::open(const QueueOptions& options) {
  auto state = std::make_unique<State>();
  VECMILL_ASSIGN(state->queue, engine::open_queue(options));
  return std::unique_ptr<JobQueue>(new JobQueue(std::move(state)));
}

Result<Submitted> JobQueue::submit(const Submission& submission) {
  Submitted done;
  done.group = submission.group.empty() ? made_up_name() : submission.group;
  if (is_number(done.group)) {
    return bad("the name of a group of jobs is not a number", done.group, "a number names one job");
  }
  EmbedJob job = submission.job;
  job.out = output_of(job);
  VECMILL_TRY(make_portable(job));
  VECMILL_ASSIGN(engine::Input input, engine::open_input(job));
  VECMILL_ASSIGN(const engine::JobPayload pattern, pattern_of(submission, job, input));
  const bool texts_inline = submission.texts_inline || std::ranges::count(job.inputs, "-") > 0;
  if (input.table && !texts_inline) input.table->give(source::PostgresSource::Body::kNone);
  VECMILL_ASSIGN(const auto payloads,
                 engine::cut_into_jobs(*input.source, pattern, submission.job_texts, texts_inline));
  VECMILL_ASSIGN(const queue::Time now, state_->queue->clock());
  std::vector<queue::NewJob> jobs;
  for (const engine::JobPayload& payload : payloads) {
    queue::NewJob one;
    one.payload = to_text(payload);
    one.priority = static_cast<queue::Priority>(submission.priority);
    one.due = now;
    one.group = done.group;
    one.attempts = submission.attempts;
    jobs.push_back(std::move(one));
    done.texts += payload.count;
  }
  done.jobs = jobs.size();
  VECMILL_TRY(state_->queue->submit(jobs, now));
  return done;
}

Result<std::vector<GroupStatus>> JobQueue::groups() {
  VECMILL_ASSIGN(const auto counts, state_->queue->count());
  std::vector<GroupStatus> groups;
  for (const queue::Count& count : counts) {
    if (groups.empty() || groups.back().group != count.group) {
      groups.emplace_back().group = count.group;
    }
    count_of(groups.back(), count.state) = count.jobs;
  }
  return groups;
}

Result<std::vector<JobStatus>> JobQueue::jobs(const JobSelection& which, std::uint64_t after,
                                              std::size_t limit, bool dead_only) {
  queue::JobFilter filter = filter_of(which, dead_only);
  filter.after = after;
  VECMILL_ASSIGN(const auto found, state_->queue->list(filter, limit));
  std::vector<JobStatus> jobs;
  for (const queue::JobInfo& job : found) jobs.push_back(status_of(job));
  return jobs;
}

Result<std::uint64_t> JobQueue::cancel(const JobSelection& which) {
  VECMILL_ASSIGN(const queue::Time now, state_->queue->clock());
  return state_->queue->cancel(filter_of(which, false), now);
}

Result<std::uint64_t> JobQueue::purge(const JobSelection& which, std::chrono::seconds ago,
                                      bool dead_only) {
  VECMILL_ASSIGN(const queue::Time now, state_->queue->clock());
  return state_->queue->purge(filter_of(which, dead_only), now - ago + queue::Duration(1));
}

Result<std::vector<DeadCause>> JobQueue::dead() {
  VECMILL_ASSIGN(const auto found, state_->queue->dead());
  std::vector<DeadCause> causes;
  for (const queue::DeadCount& cause : found) {
    causes.push_back({cause.cause, cause.jobs, cause.first, cause.last});
  }
  return causes;
}

Result<std::uint64_t> JobQueue::redrive(const JobSelection& which, const RedriveEdit& edit) {
  VECMILL_ASSIGN(const queue::Time now, state_->queue->clock());
  const auto change = [&](std::string_view text) {
    auto payload = engine::parse_payload(text);
    if (!payload || !edit.truncate) return std::string(text);
    payload->job.options.truncate = *edit.truncate;
    return to_text(*payload);
  };
  return state_->queue->redrive(filter_of(which, true), now, change);
}

Result<WorkReport> JobQueue::work(const WorkOptions& options,
                                  const std::function<void(const JobEvent&)>& tell,
                                  const std::stop_token& stop) {
  VECMILL_ASSIGN(engine::JobAlerts alerts, engine::JobAlerts::open(options.machine.spend.alerts));
  const std::function<void(const JobEvent&)> tell_all = [&](const JobEvent& event) {
    if (event.end == JobEnd::kDead) alerts.died(event);
    if (tell) tell(event);
  };
  engine::JobWorker worker(*state_->queue, options, tell_all);
  VECMILL_ASSIGN(WorkReport report, worker.work(stop));
  alerts.ended(report);
  return report;
}

}  // namespace vecmill
