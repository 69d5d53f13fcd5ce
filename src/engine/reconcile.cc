#include "vecmill/reconcile.h"

#include <utility>

#include "vecmill/base/check.h"
#include "vecmill/base/failpoint.h"
#include "vecmill/engine/comparison.h"
#include "vecmill/engine/job_output.h"
#include "vecmill/engine/open_model.h"
#include "vecmill/engine/open_source.h"
#include "vecmill/engine/skip_done.h"
#include "vecmill/postgres/url.h"
#include "vecmill/sink/inventory.h"
#include "vecmill/sink/qdrant_sink.h"

namespace vecmill {
namespace {

using engine::Comparison;
using sink::Inventory;
using sink::KnownRow;
using Body = source::PostgresSource::Body;
using Finding = decltype(ReconcileListeners::finding);

constexpr std::size_t kRemovedAtOnce = 1000;
constexpr std::size_t kReadAtOnce = 1024;

Error bad(std::string message, const std::string& where, std::string hint) {
  return make_error(ErrorKind::kInvalidArgument, std::move(message), where, std::move(hint));
}

/// Whether the inputs are all that there is, not chosen by a condition.
Result<bool> is_whole(const EmbedJob& job) {
  if (!is_postgres_url(job.inputs[0])) return true;
  VECMILL_ASSIGN(const postgres::Url url, postgres::parse_url(job.inputs[0]));
  return url.where.empty();
}

Status check_removal(const ReconcileJob& job, bool whole) {
  const EmbedJob& embed = job.embed;
  if (!job.remove_orphans) return {};
  if (!whole) {
    return bad("a part of a table does not show what is orphaned", shown_place(embed.inputs[0]),
               "leave out where=");
  }
  for (const std::string& input : embed.inputs) {
    if (input != "-") continue;
    return bad("orphans are removed when the source was read twice", "stdin",
               "give the source as a file");
  }
  return {};
}

Status check_sink(const ReconcileJob& job, const Inventory& inventory) {
  const std::string out = shown_place(job.embed.out);
  if (!job.mend && !job.remove_orphans) return {};
  if (!inventory.takes_single_rows()) {
    return bad("is written as a whole: no single row can be mended or removed", out,
               "embed into another file, or into a .db, a table or a collection");
  }
  if (!job.mend) return {};
  VECMILL_TRY(engine::check_not_itself(job.embed));
  const auto& identity = inventory.identity();
  if (is_on_server(job.embed.out) || !identity || identity->info.outputs.only_dense()) return {};
  return bad("holds " + name(identity->info.outputs) + ", and rows of dense vectors can be mended",
             out, "embed into another .db, or into a collection");
}

Status check_ids(const engine::Input& input, const Inventory& inventory, const std::string& out) {
  if (input.id_columns() == inventory.id_columns()) return {};
  return make_error(ErrorKind::kMismatch,
                    "an id has " + std::to_string(inventory.id_columns()) +
                        " columns, an id of the source " + std::to_string(input.id_columns()),
                    shown_place(out), "name the columns of both with key=");
}

}  // namespace

std::string_view name(RowState state) {
  switch (state) {
    case RowState::kLost: return "lost";
    case RowState::kStale: return "stale";
    case RowState::kFailed: return "failed";
    case RowState::kOrphaned: return "orphaned";
  }
  return "unknown";
}

struct Reconciliation::State {
  ReconcileJob job;
  engine::Input input;
  std::unique_ptr<Inventory> inventory;
  bool whole = true;
  ReconcileReport report;

  /// Where single rows are replaced.
  Result<std::unique_ptr<Sink>> open_sink(const Engine& engine) {
    EmbedJob& embed = job.embed;
    if (const auto& identity = inventory->identity()) {
      embed.options.outputs = identity->info.outputs;
      embed.half = identity->store == "f16";
    }
    const SpaceInfo space = engine.capabilities(embed.options).space;
    if (!is_qdrant_url(embed.out)) {
      VECMILL_ASSIGN(auto output, engine::open_job_output(embed, space, input.keys()));
      return std::move(output.sink);
    }
    VECMILL_ASSIGN(const qdrant::Url url, qdrant::parse_url(embed.out));
    VECMILL_ASSIGN(auto opened,
                   sink::open_qdrant_sink(url, {space, embed.half ? "f16" : "f32"}, {}));
    return std::move(opened.opened.sink);
  }

  /// Reads the source to its end; what is to be mended goes into the sink.
  Status compare(Comparison& comparison, Engine* engine, Sink* sink, const std::stop_token& stop) {
    engine::SkipDone source(std::move(input.source), std::ref(comparison));
    if (sink == nullptr) {
      while (true) {
        VECMILL_ASSIGN(const auto none, source.next(kReadAtOnce));
        if (none.empty()) return {};
      }
    }
    VECMILL_ASSIGN(report.embedded, engine->run(source, *sink, job.embed, {}, stop));
    report.mended = report.embedded->embedded;
    report.failed_now = report.embedded->failed;
    report.notes = report.embedded->notes = sink->notes();
    return {};
  }

  /// What stands in the source meanwhile is no orphan any more.
  Status look_again(Comparison& comparison, const std::stop_token& stop) const {
    VECMILL_ASSIGN(const engine::Input again, engine::open_input(job.embed));
    if (again.table) again.table->give(Body::kNone);
    while (!stop.stop_requested()) {
      VECMILL_ASSIGN(const auto records, again.source->next(kReadAtOnce));
      if (records.empty()) return {};
      for (const Record& record : records) comparison.meet(record.id);
    }
    return make_error(ErrorKind::kCancelled, "interrupted");
  }

  Status remove(const Comparison& comparison, const Finding& finding) {
    std::vector<KnownRow> batch;
    const auto remove_batch = [&]() -> Status {
      failpoint("reconcile.remove");
      VECMILL_ASSIGN(const std::uint64_t removed, inventory->remove(batch));
      report.removed += removed;
      batch.clear();
      return {};
    };
    const auto remove_orphan = [&](const KnownRow& row) -> Status {
      if (!comparison.is_alone(row)) return {};
      if (finding) VECMILL_TRY(finding(RowState::kOrphaned, row.id));
      batch.push_back(row);
      return batch.size() < kRemovedAtOnce ? Status() : remove_batch();
    };
    VECMILL_TRY(inventory->each_row(remove_orphan));
    if (!batch.empty()) VECMILL_TRY(remove_batch());
    if (report.removed < report.orphaned) {
      report.notes.push_back(std::to_string(report.orphaned - report.removed) +
                             " of the orphans stay: they changed meanwhile, or Vecmill did not "
                             "write them");
    }
    return {};
  }

  /// After the source was read.
  Status care_for_orphans(Comparison& comparison, const Finding& finding,
                          const std::stop_token& stop) {
    report.knows_orphaned = whole;
    report.orphaned = whole ? comparison.alone() : 0;
    if (report.orphaned == 0) return {};
    if (!job.remove_orphans) {
      if (!finding) return {};
      return inventory->each_row([&](const KnownRow& row) {
        return comparison.is_alone(row) ? finding(RowState::kOrphaned, row.id) : Status();
      });
    }
    if (!comparison.any_met() && !job.remove_anything) {
      return make_error(ErrorKind::kMismatch,
                        "has " + std::to_string(report.orphaned) +
                            " rows, and the source none of them: nothing was removed",
                        shown_place(job.embed.out),
                        "are ids made in the same way? If all shall go, say --yes");
    }
    VECMILL_TRY(look_again(comparison, stop));
    report.orphaned = comparison.alone();
    return remove(comparison, finding);
  }
};

Reconciliation::Reconciliation(std::unique_ptr<State> state) : state_(std::move(state)) {}
Reconciliation::Reconciliation(Reconciliation&&) noexcept = default;
Reconciliation& Reconciliation::operator=(Reconciliation&&) noexcept = default;
Reconciliation::~Reconciliation() = default;

Result<Reconciliation> Reconciliation::open(ReconcileJob job) {
  auto state = std::make_unique<State>();
  VECMILL_ASSIGN(state->whole, is_whole(job.embed));
  VECMILL_TRY(check_removal(job, state->whole));
  VECMILL_ASSIGN(state->inventory, sink::open_inventory(job.embed.out));
  VECMILL_TRY(check_sink(job, *state->inventory));
  VECMILL_ASSIGN(state->input, engine::open_input(job.embed));
  VECMILL_TRY(check_ids(state->input, *state->inventory, job.embed.out));
  state->job = std::move(job);
  return Reconciliation(std::move(state));
}

std::optional<ModelOptions> Reconciliation::model() const {
  const auto& identity = state_->inventory->identity();
  if (!identity) return std::nullopt;
  return engine::options_of(identity->info);
}

Result<ReconcileReport> Reconciliation::run(Engine* engine, const ReconcileListeners& listeners,
                                            const std::stop_token& stop) {
  State& state = *state_;
  VECMILL_CHECK(engine != nullptr || !state.job.mend);
  std::unique_ptr<Sink> sink;
  if (state.job.mend) {
    VECMILL_ASSIGN(sink, state.open_sink(*engine));
  }
  ReconcileReport& report = state.report;
  Comparison comparison({state.job, *state.inventory, listeners, stop}, report);
  VECMILL_TRY(comparison.read_sink());
  if (state.input.table && !comparison.needs_texts()) {  // they stay in the database
    state.input.table->give(comparison.needs_hashes() ? Body::kHash : Body::kNone);
    comparison.take_hashes();
  }
  VECMILL_TRY(state.compare(comparison, engine, sink.get(), stop));
  VECMILL_TRY(state.care_for_orphans(comparison, listeners.finding, stop));
  return std::move(report);
}

}  // namespace vecmill
