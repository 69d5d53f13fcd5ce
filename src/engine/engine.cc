#include "vecmill/engine.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>

#include "vecmill/base/check.h"
#include "vecmill/base/resources.h"
#include "vecmill/engine/dtype.h"
#include "vecmill/engine/embed_run.h"
#include "vecmill/engine/fallback_chain.h"
#include "vecmill/engine/open_ends.h"
#include "vecmill/engine/open_model.h"
#include "vecmill/engine/open_source.h"
#include "vecmill/engine/rank.h"
#include "vecmill/engine/remote_model.h"
#include "vecmill/engine/run_report.h"
#include "vecmill/engine/search_collection.h"
#include "vecmill/engine/shared_server.h"
#include "vecmill/engine/spending.h"
#include "vecmill/engine/vector_cache.h"
#include "vecmill/engine/work_alerts.h"
#include "vecmill/sink/scan.h"

namespace vecmill {
namespace {

using engine::open_source;
using engine::WorkerPool;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Reads the whole input once: the denominator of the progress, and every mistake in it is found
/// before anything is computed. Standard input can be read only once: unknown.
Result<std::uint64_t> count_texts(const EmbedJob& job, const std::stop_token& stop) {
  if (std::find(job.inputs.begin(), job.inputs.end(), "-") != job.inputs.end()) return 0;
  VECMILL_ASSIGN(const auto source, open_source(job));
  std::uint64_t count = 0;
  while (!stop.stop_requested()) {
    VECMILL_ASSIGN(const auto records, source->next(1024));
    if (records.empty()) break;
    count += records.size();
  }
  return count;
}

/// Where rows go that are in the cache by then: nowhere. Ends the run when the cache keeps nothing.
class NoSink : public Sink {
 public:
  explicit NoSink(const engine::VectorCache& cache) : cache_(cache) {}

  Status write(std::span<const OutputRow> /*rows*/) override { return check(); }
  Status commit(const std::string& /*position*/) override { return check(); }
  Status finish() override { return check(); }

 private:
  [[nodiscard]] Status check() const {
    if (auto failure = cache_.failure()) return std::move(*failure);
    return {};
  }

  const engine::VectorCache& cache_;
};

}  // namespace

struct Engine::State {
  std::unique_ptr<engine::VectorCache> cache;  ///< null: without
  std::unique_ptr<Provider> provider;
  std::vector<std::shared_ptr<engine::ModelSpending>> spendings;  ///< of those who bill
  std::vector<std::shared_ptr<remote::SharedState>> shared;       ///< see OpenedModel
  std::function<void(EmbedReport&)> tell;                         ///< the same
  std::string degraded;                                           ///< FallbackOptions::degraded
  std::unique_ptr<WorkerPool> pool;
  std::mutex pool_mutex;  ///< the pool does one thing at a time
  double load_seconds = 0;
  AlertOptions alerts;

  /// What a report says whatever was done.
  void describe(EmbedReport& report, const EmbedOptions& options) const {
    report.space = provider->capabilities(options).space;
    report.load_seconds = load_seconds;
    report.peak_rss_bytes = peak_rss_bytes();
    report.spend = spent();
    report.shared = engine::report_of(shared);
    if (tell) tell(report);
  }

  [[nodiscard]] SpendReport spent() const {
    std::vector<SpendReport> reports;
    for (const auto& spending : spendings) reports.push_back(spending->report());
    return engine::sum_of(reports);
  }

  Status set_tags(const engine::Window& window, const EmbedJob& job) const {
    for (const auto& spending : spendings) {
      VECMILL_TRY(spending->set_tags(window.records, job.tag_fields));
    }
    return {};
  }

  /// From a source at its place to a finished sink.
  Result<EmbedReport> embed_all(Source& source, Sink& sink, const EmbedJob& job,
                                const std::function<void(const EmbedProgress&)>& progress,
                                const std::stop_token& stop) {
    const std::lock_guard lock(pool_mutex);
    engine::RunParts parts{source, sink, *provider, *pool};
    parts.before = [&](const engine::Window& window) { return set_tags(window, job); };
    VECMILL_ASSIGN(EmbedReport report, engine::run_embedding(parts, job, progress, stop));
    VECMILL_TRY(sink.finish());
    if (cache) {
      cache->tell(report.cache);
      cache->clean();
    }
    return report;
  }

  /// As `Engine::run`, without telling a webhook.
  Result<EmbedReport> embed_job(const EmbedJob& job,
                                const std::function<void(const EmbedProgress&)>& progress,
                                const std::stop_token& stop) {
    VECMILL_TRY(provider->check(job.options));
    VECMILL_TRY(engine::check_degraded(degraded, job.out));
    const SpaceInfo space = provider->capabilities(job.options).space;
    VECMILL_ASSIGN(auto ends, engine::open_ends(job, space));
    auto& source = ends.source;
    auto& out = ends.out;
    const auto left_out = [&ends] { return ends.skip ? ends.skip->skipped() : 0; };
    EmbedReport report;
    report.was_complete = out.complete;
    report.resumed = out.rows_done + out.rows_failed;
    if (!out.complete) {
      const std::uint64_t resumed = report.resumed;
      const auto known = source->total();
      VECMILL_ASSIGN(const std::uint64_t total, known ? *known : count_texts(job, stop));
      if (out.position) VECMILL_TRY(source->seek(*out.position));
      const auto count = [&](EmbedProgress now) {
        now.resumed = resumed + left_out();
        now.texts_total = total;
        progress(now);
      };
      VECMILL_ASSIGN(report, embed_all(*source, *out.sink, job, count, stop));
      report.resumed = resumed + left_out();
    }
    describe(report, job.options);
    if (!job.out.empty() && !is_on_server(job.out)) {
      VECMILL_ASSIGN(report.fallback.degraded, degraded_rows(job.out));
    }
    if (out.sink) report.notes = out.sink->notes();
    if (!out.complete) VECMILL_TRY(engine::write_report(job.out, report));
    return report;
  }
};

Engine::Engine(std::unique_ptr<State> state) : state_(std::move(state)) {}
Engine::~Engine() = default;

Result<std::unique_ptr<Engine>> Engine::open(const ModelOptions& options) {
  const auto start = Clock::now();
  const std::uint32_t threads = options.threads > 0 ? options.threads : usable_cores();
  auto state = std::make_unique<State>();
  VECMILL_ASSIGN(engine::OpenedModel model, engine::open_chain(options, threads));
  state->provider = std::move(model.provider);
  state->spendings = std::move(model.spendings);
  state->shared = std::move(model.shared);
  state->tell = std::move(model.tell);
  state->degraded = options.fallback.degraded;
  state->alerts = options.spend.alerts;
  const bool remote = state->provider->capabilities({}).remote;
  if (engine::wants_cache(options.use_cache, remote)) {
    VECMILL_ASSIGN(const auto shared, engine::shared_cache(options.shared));
    VECMILL_ASSIGN(state->cache,
                   engine::VectorCache::open(options.cache, remote, options.spend.tenant, shared));
    state->provider = state->cache->in_front_of(std::move(state->provider));
  }
  state->pool = std::make_unique<WorkerPool>(threads);
  state->load_seconds = seconds_since(start);
  return std::unique_ptr<Engine>(new Engine(std::move(state)));
}

Capabilities Engine::capabilities(const EmbedOptions& options) const {
  return state_->provider->capabilities(options);
}

std::vector<Result<Embedding>> Engine::embed(std::span<const std::string_view> texts,
                                             const EmbedOptions& options) {
  if (texts.size() == 1) return state_->provider->embed(texts, options);
  engine::Window window;
  for (const std::string_view text : texts) window.records.push_back({{}, std::string(text), {}});
  EmbedJob job;
  job.options = options;
  const std::lock_guard lock(state_->pool_mutex);
  return engine::embed_records(window.records, job, *state_->provider, *state_->pool);
}

Result<EmbedReport> Engine::run(const EmbedJob& job,
                                const std::function<void(const EmbedProgress&)>& progress,
                                const std::stop_token& stop) {
  VECMILL_ASSIGN(auto alerts, engine::RunAlerts::open(state_->alerts, job.out));
  const auto tell = [&](const EmbedProgress& now) {
    alerts.progress(now);
    if (progress) progress(now);
  };
  auto report = state_->embed_job(job, tell, stop);
  alerts.ended(report);
  return report;
}

Result<EmbedReport> Engine::run(Source& source, Sink& sink, const EmbedJob& job,
                                const std::function<void(const EmbedProgress&)>& progress,
                                const std::stop_token& stop) {
  VECMILL_TRY(state_->provider->check(job.options));
  VECMILL_ASSIGN(EmbedReport report, state_->embed_all(source, sink, job, progress, stop));
  state_->describe(report, job.options);
  return report;
}

Result<EmbedReport> Engine::warm(const EmbedJob& job,
                                 const std::function<void(const EmbedProgress&)>& progress,
                                 const std::stop_token& stop) {
  VECMILL_TRY(state_->provider->check(job.options));
  VECMILL_TRY(engine::check_degraded(state_->degraded, "the cache"));
  if (!state_->cache) {
    return make_error(ErrorKind::kInvalidArgument, "there is no cache to fill", "use_cache",
                      "set it to CacheMode::kOn");
  }
  VECMILL_ASSIGN(auto source, open_source(job));
  VECMILL_ASSIGN(const std::uint64_t total, count_texts(job, stop));
  const auto tell = [&](EmbedProgress now) {
    now.texts_total = total;
    if (progress) progress(now);
  };
  NoSink sink(*state_->cache);
  VECMILL_ASSIGN(EmbedReport report, state_->embed_all(*source, sink, job, tell, stop));
  state_->describe(report, job.options);
  return report;
}

SpendReport Engine::spent() const { return state_->spent(); }

Result<CountReport> Engine::count(const EmbedJob& job, const std::stop_token& stop) {
  VECMILL_TRY(state_->provider->check(job.options));
  VECMILL_TRY(state_->provider->count_tokens("", job.options.role));
  VECMILL_ASSIGN(const auto source, open_source(job));
  const std::uint32_t limit = capabilities(job.options).max_tokens;
  CountReport report;
  const std::lock_guard lock(state_->pool_mutex);
  while (!stop.stop_requested()) {
    VECMILL_ASSIGN(const engine::Window window, engine::read_window(*source));
    if (window.records.empty()) return report;
    std::vector<std::uint32_t> tokens(window.records.size());
    state_->pool->run(tokens.size(), [&](std::size_t i) {
      tokens[i] =
          state_->provider->count_tokens(window.records[i].text, job.options.role).value_or(0);
    });
    report.texts += tokens.size();
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      if (engine::is_blank(window.records[i].text)) ++report.empty;
      const std::uint32_t kept = limit > 0 ? std::min(tokens[i], limit) : tokens[i];
      report.tokens += kept;
      report.truncated_tokens += tokens[i] - kept;
      if (tokens[i] > kept) ++report.truncated_texts;
    }
  }
  return make_error(ErrorKind::kCancelled, "interrupted");
}

Result<std::vector<TokenId>> Engine::tokenize(std::string_view text) const {
  return state_->provider->tokenize(text);
}

std::string Engine::token_text(TokenId id) const { return state_->provider->token_text(id); }

Status Engine::tokenize(
    const EmbedJob& job,
    const std::function<Status(const Record&, std::span<const TokenId>)>& each) {
  VECMILL_ASSIGN(const auto source, open_source(job));
  const std::lock_guard lock(state_->pool_mutex);
  for (;;) {
    VECMILL_ASSIGN(const engine::Window window, engine::read_window(*source));
    if (window.records.empty()) return {};
    std::vector<Result<std::vector<TokenId>>> ids(window.records.size());
    state_->pool->run(ids.size(), [&](std::size_t i) {
      ids[i] = state_->provider->tokenize(window.records[i].text);
    });
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (!ids[i]) return ids[i].error();
      VECMILL_TRY(each(window.records[i], *ids[i]));
    }
  }
}

Result<std::vector<Hit>> Engine::query(std::string_view text, const std::string& index,
                                       std::size_t k, QueryMode mode) {
  VECMILL_ASSIGN(const sink::Meta meta, engine::describe_index(index));
  const SpaceInfo& info = meta.identity.info;
  const auto is_mine = [&](Role role, Truncate truncate) {
    const SpaceInfo mine = capabilities({role, truncate, info.outputs}).space;
    return mine.space == info.space && mine.arithmetic == info.arithmetic;
  };
  if (!is_mine(Role::kDocument, Truncate::kEnd) && !is_mine(Role::kDocument, Truncate::kStart) &&
      !is_mine(Role::kNone, Truncate::kEnd) && !is_mine(Role::kQuery, Truncate::kEnd)) {
    return make_error(ErrorKind::kMismatch,
                      "was made with another model or other settings (" + info.model + ", " +
                          std::to_string(info.dims) + " dimensions)",
                      index, "give the model, --dims and --max-seq-length it was made with");
  }
  VECMILL_ASSIGN(const Outputs compared, engine::compared_outputs(mode, info.outputs, index));
  auto results = embed(std::span(&text, 1), {Role::kQuery, Truncate::kEnd, compared});
  VECMILL_ASSIGN(const Embedding embedding, std::move(results[0]));
  if (!embedding.degraded.empty()) {
    return make_error(ErrorKind::kUnavailable, "cannot be searched with " + embedding.degraded,
                      index, "try again when the model answers");
  }
  const engine::Question question{embedding, compared, info.multivector_dims};
  return is_qdrant_url(index) ? engine::search_collection(question, index, k)
                              : engine::rank(question, index, k);
}

Result<std::uint64_t> degraded_rows(const std::string& index) {
  VECMILL_ASSIGN(const sink::Meta meta, engine::describe_index(index));
  return meta.counts.degraded;
}

Result<std::string> dtype_for(const EmbedJob& job, const ModelOptions& model) {
  const bool own = engine::is_remote(model) || model.model.starts_with("builtin:");
  if (model.dtype != "auto" || own) return model.dtype;
  VECMILL_ASSIGN(const auto arithmetic, engine::stored_arithmetic(job));
  return arithmetic ? engine::dtype_of(*arithmetic) : "auto";
}

Result<ModelOptions> model_of_index(const std::string& index) {
  VECMILL_ASSIGN(const sink::Meta meta, engine::describe_index(index));
  return engine::options_of(meta.identity.info);
}

}  // namespace vecmill
