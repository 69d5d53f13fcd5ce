#include "vecmill/models.h"

#include <algorithm>

#include "vecmill/encode/encoder.h"
#include "vecmill/engine/auto_dtype.h"
#include "vecmill/engine/hub_transport.h"
#include "vecmill/engine/packed_models.h"
#include "vecmill/hub/import.h"
#include "vecmill/hub/pull.h"
#include "vecmill/hub/store.h"
#include "vecmill/remote/dialect.h"
#include "vecmill/tokenize/tokenizer.h"

namespace vecmill {
namespace {

StoredModel stored(const hub::ModelEntry& entry) {
  return {entry.name, entry.revision, entry.folder.string(), std::string(hub::name(entry.origin))};
}

Result<hub::Store> open_store() {
  VECMILL_ASSIGN(auto paths, hub::StorePaths::from_environment());
  return hub::Store(std::move(paths));
}

/// "voyageai/voyage-code-3": there are no weights to it, only a tokenizer.
bool is_remote_tokenizer(const std::string& name) {
  return std::ranges::any_of(remote::dialects(), [&](const remote::Dialect& dialect) {
    const std::string whose = std::string(dialect.tokenizers) + "/";
    return name.starts_with(whose) &&
           remote::find_model(dialect.name, name.substr(whose.size())).dims > 0;
  });
}

Status describe_int8(const std::filesystem::path& packed, ModelDetails& details) {
  VECMILL_ASSIGN(const auto encoder, encode::Encoder::open(packed));
  double all = 0, in_f32 = 0;
  for (const encode::KeptInputs& one : encoder->kept_inputs()) {
    all += double{1} * one.in * one.out;
    in_f32 += double{1} * one.kept * one.out;
    if (one.kept > 0) details.int8_outliers.emplace_back(one.matrix, one.kept);
  }
  if (all > 0) details.int8_share = 1 - in_f32 / all;
  return {};
}

}  // namespace

Result<std::vector<StoredModel>> list_models() {
  VECMILL_ASSIGN(const hub::Store store, open_store());
  VECMILL_ASSIGN(const auto entries, store.list());
  std::vector<StoredModel> models;
  for (const hub::ModelEntry& entry : entries) models.push_back(stored(entry));
  return models;
}

Result<ModelDetails> show_model(std::string_view name) {
  VECMILL_ASSIGN(const hub::Store store, open_store());
  VECMILL_ASSIGN(const hub::ModelEntry entry, store.resolve(name));
  VECMILL_ASSIGN(const encode::ModelDescription model, encode::describe(entry.folder));
  ModelDetails details;
  details.stored = stored(entry);
  details.architecture = model.architecture;
  details.modules = model.modules;
  details.dims = model.dims;
  details.max_tokens = model.max_tokens == encode::kNoTokenLimit ? 0 : model.max_tokens;
  details.layers = model.layers;
  details.vocab = model.vocab;
  details.prompts.assign(model.prompts.begin(), model.prompts.end());
  VECMILL_ASSIGN(const auto choice, engine::known_choice(entry.folder));
  if (choice) {
    details.auto_dtype = engine::name(choice->dtype);
    details.bf16_speed = choice->speed;
    details.bf16_least_cosine = choice->least_cosine;
  }
  for (const engine::Dtype dtype : {engine::Dtype::kInt8, engine::Dtype::kInt8Compact}) {
    VECMILL_ASSIGN(const auto packed,
                   engine::kept_file(entry.folder, engine::packed_ending(dtype)));
    if (!std::filesystem::exists(packed)) continue;
    VECMILL_TRY(describe_int8(packed, details));
    break;  // the layers are the same
  }
  return details;
}

Result<ModelCheck> verify_model(std::string_view name) {
  VECMILL_ASSIGN(const hub::Store store, open_store());
  VECMILL_ASSIGN(const hub::ModelEntry entry, store.resolve(name));
  VECMILL_ASSIGN(const hub::VerifyReport report, store.verify(entry));
  ModelCheck check{report.files, report.bytes, {}};
  for (const hub::VerifyProblem& problem : report.problems) {
    check.problems.push_back(problem.file + ": " + problem.what);
  }
  return check;
}

Result<std::vector<ArithmeticCheck>> compare_with_f32(std::string_view name) {
  VECMILL_ASSIGN(const hub::Store store, open_store());
  VECMILL_ASSIGN(const hub::ModelEntry entry, store.resolve(name));
  std::vector<ArithmeticCheck> checks;
  for (const engine::Dtype dtype :
       {engine::Dtype::kBf16, engine::Dtype::kInt8, engine::Dtype::kInt8Compact}) {
    VECMILL_ASSIGN(const auto packed,
                   engine::kept_file(entry.folder, engine::packed_ending(dtype)));
    if (!std::filesystem::exists(packed)) continue;
    VECMILL_ASSIGN(const auto found, engine::compare_with_f32(entry.folder, dtype));
    checks.push_back(
        {std::string(engine::name(dtype)), found.mean_cosine, found.least_cosine, found.speed});
  }
  return checks;
}

Status remove_model(std::string_view name) {
  VECMILL_ASSIGN(const hub::Store store, open_store());
  return store.remove(name);
}

Result<StoredModel> import_model(const std::string& path, const std::string& name) {
  VECMILL_ASSIGN(const hub::Store store, open_store());
  if (is_remote_tokenizer(name)) {
    const auto readable = [](const std::filesystem::path& folder) -> Status {
      VECMILL_TRY(tokenize::Tokenizer::from_folder(folder));
      return {};
    };
    VECMILL_ASSIGN(const hub::ModelEntry entry,
                   hub::import_tokenizer(store, path, {name, readable}));
    return stored(entry);
  }
  std::filesystem::path packed;
  const auto check = [&](const std::filesystem::path& folder) -> Status {
    VECMILL_ASSIGN(packed, engine::try_model(folder));
    return {};
  };
  VECMILL_ASSIGN(const hub::ModelEntry entry, hub::import_model(store, path, {name, check}));
  VECMILL_TRY(engine::adopt_packed(packed, entry.folder));
  return stored(entry);
}

Result<PullSummary> pull_model(const PullRequest& request) {
  VECMILL_ASSIGN(const hub::Store store, open_store());
  hub::PullOptions options;
  VECMILL_ASSIGN(options.hub, hub::HubSettings::from_environment());
  options.hub.offline = options.hub.offline || request.offline;
  options.name = request.name;
  options.revision = request.revision;
  options.dry_run = request.dry_run;
  if (request.progress) {
    options.progress = [&](const hub::PullProgress& now) {
      request.progress(now.file, now.bytes_done, now.bytes_total);
    };
  }
  const auto transport = engine::make_hub_transport();
  VECMILL_ASSIGN(const hub::PullReport report, hub::pull(store, options, *transport));
  PullSummary summary;
  summary.model = {report.name, report.revision, {}, {}};
  if (report.entry) {
    summary.model = stored(*report.entry);
    VECMILL_TRY(engine::packed_file_of(report.entry->folder));
  }
  summary.files = report.files.size();
  summary.bytes = report.bytes;
  summary.fetched = report.fetched;
  for (const hub::PulledFile& file : report.files) summary.list.emplace_back(file.path, file.bytes);
  return summary;
}

}  // namespace vecmill
