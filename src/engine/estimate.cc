#include "vecmill/estimate.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <optional>
#include <utility>

#include "vecmill/engine/open_source.h"
#include "vecmill/engine/remote_model.h"
#include "vecmill/engine/spending.h"
#include "vecmill/engine/token_counter.h"
#include "vecmill/remote/dialect.h"

namespace vecmill {
namespace {

constexpr std::size_t kSample = 256;
/// Between prose (0.25) and code (0.3).
constexpr double kTokensPerByte = 0.27;

struct Size {
  std::uint64_t texts = 0, bytes = 0;
  std::vector<std::string> first;  ///< up to kSample
};

Status for_each_text(const EmbedJob& job, const std::stop_token& stop,
                     const std::function<void(std::string_view)>& visit) {
  VECMILL_ASSIGN(const auto source, engine::open_source(job));
  while (!stop.stop_requested()) {
    VECMILL_ASSIGN(const auto records, source->next(1024));
    if (records.empty()) return {};
    for (const Record& record : records) visit(record.text);
  }
  return make_error(ErrorKind::kCancelled, "interrupted");
}

Result<Size> size_of(const EmbedJob& job, const std::stop_token& stop) {
  Size size;
  VECMILL_TRY(for_each_text(job, stop, [&](std::string_view text) {
    ++size.texts;
    size.bytes += text.size();
    if (size.first.size() < kSample) size.first.emplace_back(text);
  }));
  return size;
}

/// What the limits of the API allow, in seconds.
double at_limits(const remote::Dialect& dialect, const remote::KnownModel& known,
                 const ProviderSettings& said, const Estimate& found) {
  const auto per_minute = [](std::uint32_t wanted, std::uint32_t own, std::uint32_t usual) {
    return static_cast<double>(wanted > 0 ? wanted : (own > 0 ? own : usual));
  };
  const double requests =
      per_minute(said.requests_per_minute, known.requests_per_minute, dialect.requests_per_minute);
  const double tokens =
      per_minute(said.tokens_per_minute, known.tokens_per_minute, dialect.tokens_per_minute);
  const double sent = static_cast<double>(found.texts) / std::max(1U, dialect.max_texts);
  double minutes = 0;
  if (requests > 0) minutes = sent / requests;
  if (tokens > 0) minutes = std::max(minutes, static_cast<double>(found.tokens) / tokens);
  return minutes * 60;
}

Result<Estimate> estimate_remote(const ModelOptions& options, const EmbedJob& job, const Size& size,
                                 const std::stop_token& stop) {
  Estimate found{options.model, size.texts};
  const std::size_t colon = options.model.find(':');
  const std::string provider = options.model.substr(0, colon);
  const std::string model = options.model.substr(colon + 1);
  const remote::Dialect& dialect = engine::dialect_of(options);
  const remote::KnownModel known = remote::find_model(dialect.name, model);
  VECMILL_ASSIGN(const ProviderSettings settings, engine::remote_settings(options));
  if (const auto count = engine::vocabulary_of(dialect, model).count) {
    found.exact = true;
    const std::uint64_t most = known.max_tokens > 0 ? known.max_tokens : ledger::kMaxTokens;
    VECMILL_TRY(for_each_text(job, stop, [&](std::string_view text) {
      found.tokens += std::min(count(text), most);  // the rest is cut, or the text is not sent
    }));
  } else {
    found.tokens =
        static_cast<std::uint64_t>(kTokensPerByte * static_cast<double>(size.bytes)) + size.texts;
  }
  found.seconds = at_limits(dialect, known, settings, found);
  VECMILL_ASSIGN(const auto price,
                 engine::price_of(engine::spend_options(options, settings), provider, model));
  Money cost = 0;
  for (std::uint64_t left = found.tokens; left > 0; left -= std::min(left, ledger::kMaxTokens)) {
    cost = add_money(cost, ledger::cost_of(std::min(left, ledger::kMaxTokens), price.per_million));
  }
  found.cost = ledger::format_dollars(cost);
  return found;
}

Result<Estimate> estimate_local(const ModelOptions& options, const EmbedJob& job, const Size& size,
                                const std::stop_token& stop) {
  VECMILL_ASSIGN(const auto engine, Engine::open(options));
  VECMILL_ASSIGN(const CountReport count, engine->count(job, stop));
  Estimate found{options.model, count.texts, count.tokens, true, "0.00"};
  const std::vector<std::string_view> texts(size.first.begin(), size.first.end());
  const auto start = std::chrono::steady_clock::now();
  std::uint64_t tokens = 0;
  for (const auto& result : engine->embed(texts, job.options)) {
    if (result) tokens += result->tokens;
  }
  const double took =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (tokens > 0) {
    found.seconds = took * static_cast<double>(count.tokens) / static_cast<double>(tokens);
  }
  return found;
}

}  // namespace

Result<std::vector<Estimate>> estimate(const EmbedJob& job, const std::vector<ModelOptions>& models,
                                       const std::stop_token& stop) {
  if (std::ranges::find(job.inputs, "-") != job.inputs.end()) {
    return make_error(ErrorKind::kInvalidArgument, "standard input can be read only once", "-",
                      "name a file");
  }
  VECMILL_ASSIGN(const Size size, size_of(job, stop));
  std::vector<Estimate> estimates;
  for (const ModelOptions& options : models) {
    auto found = engine::is_remote(options) ? estimate_remote(options, job, size, stop)
                                            : estimate_local(options, job, size, stop);
    if (!found && found.error().kind == ErrorKind::kCancelled) return std::move(found).error();
    if (!found) {
      Estimate unknown{options.model, size.texts};
      unknown.problem = found.error().to_string();
      found = unknown;
    }
    estimates.push_back(*std::move(found));
  }
  return estimates;
}

}  // namespace vecmill
