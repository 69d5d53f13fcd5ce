#include "vecmill/engine/open_model.h"

#include <optional>
#include <string>

#include "vecmill/engine/auto_dtype.h"
#include "vecmill/engine/packed_models.h"
#include "vecmill/engine/remote_model.h"
#include "vecmill/engine/shared_server.h"
#include "vecmill/engine/spending.h"
#include "vecmill/engine/token_counter.h"
#include "vecmill/hub/store.h"
#include "vecmill/provider/hash_provider.h"
#include "vecmill/provider/local_provider.h"
#include "vecmill/provider/space.h"
#include "vecmill/remote/open_remote.h"

namespace vecmill::engine {
namespace {

namespace fs = std::filesystem;
constexpr const char* kDefaultModel = "all-MiniLM-L6-v2";
constexpr const char* kHashModel = "builtin:hash";

Result<std::unique_ptr<Provider>> open_local(const ModelOptions& options,
                                             std::optional<Dtype> wanted, std::uint32_t threads) {
  VECMILL_ASSIGN(auto paths, hub::StorePaths::from_environment());
  const std::string name = options.model.empty() ? kDefaultModel : options.model;
  VECMILL_ASSIGN(const hub::ModelEntry entry, hub::Store(std::move(paths)).resolve(name));
  Dtype dtype = wanted.value_or(Dtype::kF32);
  if (!wanted) {
    VECMILL_ASSIGN(const Choice choice, choose_dtype(entry.folder));
    dtype = choice.dtype;
  }
  VECMILL_ASSIGN(const fs::path packed, packed_file_of(entry.folder, dtype));
  provider::LocalOptions local;
  local.model_folder = entry.folder;
  local.packed_file = packed;
  local.name = entry.origin == hub::Origin::kFolder
                   ? fs::absolute(entry.folder).lexically_normal().string()
                   : entry.name;
  local.dims = options.dims;
  local.max_seq_length = options.max_seq_length;
  local.threads = threads;
  local.max_memory = options.max_memory;
  return provider::make_local_provider(local);
}

Result<OpenedModel> open_remote(const ModelOptions& options, std::uint32_t known_dims) {
  if (options.max_seq_length > 0) {
    return make_error(ErrorKind::kUnsupported, "the API says how long a text may be", options.model,
                      "leave out --max-seq-length");
  }
  if (options.model.ends_with(':')) {
    return make_error(ErrorKind::kInvalidArgument, "names no model", options.model,
                      "write it behind the colon: voyage:voyage-code-3");
  }
  VECMILL_ASSIGN(const ProviderSettings settings, remote_settings(options));
  const auto space = [](const remote::RemoteModel& model, std::string_view role,
                        Truncate truncate) {
    provider::SpaceParts parts;
    parts.truncate = truncate;
    const std::string& identity = model.self.identity;
    parts.weights =
        std::string(model.dialect->name) + ":" + (identity.empty() ? model.name : identity);
    // A name means something at its vendor; anybody's server may call its model as it likes.
    if (!model.at_vendor || !model.dialect->names_model) parts.weights += " at " + model.base_url;
    parts.prompt = role;
    parts.dims = model.expected_dims();
    return provider::space_of(parts);
  };
  OpenedModel opened;
  VECMILL_ASSIGN(const remote::ShareOf share_of, shared_limits(options.shared));
  const auto share = [&](const Secret& identity, const remote::DispatcherOptions& limits) {
    return opened.shared.emplace_back(share_of(identity, limits));
  };
  VECMILL_ASSIGN(const auto spending, ModelSpending::open(spend_options(options, settings),
                                                          options.model, settings.dims));
  const remote::RemoteOptions wanted{
      .name = options.model,
      .dims = settings.dims,
      .max_request_texts = settings.batch_size,
      .spending = spending,
      .provider = settings,
      .patience = options.fallback.patience,
      .known_dims = known_dims,
      .share_of = share_of ? remote::ShareOf(share) : remote::ShareOf()};
  VECMILL_ASSIGN(opened.provider,
                 remote::open_remote(wanted, environment_value, space, vocabulary_of));
  opened.spendings = {spending};
  return opened;
}

}  // namespace

Result<OpenedModel> open_model(const ModelOptions& options, std::uint32_t threads,
                               std::uint32_t known_dims) {
  if (options.device != "cpu" && options.device != "auto") {
    return make_error(ErrorKind::kInvalidArgument,
                      "there is no device '" + options.device + "' here", "--device",
                      "use cpu or auto");
  }
  const bool stored = options.model != kHashModel && !is_remote(options);
  VECMILL_ASSIGN(const std::optional<Dtype> dtype, parse_dtype(options.dtype));
  if (!stored && dtype.value_or(Dtype::kF32) != Dtype::kF32) {
    return make_error(ErrorKind::kUnsupported, "computes in its own arithmetic", options.model,
                      "leave out --dtype");
  }
  if (options.model == kHashModel) {
    return OpenedModel{provider::make_hash_provider({options.dims, options.max_seq_length})};
  }
  if (is_remote(options)) return open_remote(options, known_dims);
  const std::size_t colon = options.model.find(':');
  if (colon != std::string::npos && !fs::exists(options.model)) {
    return make_error(ErrorKind::kInvalidArgument,
                      "there is no provider '" + options.model.substr(0, colon) + "'",
                      options.model,
                      "use a stored model, a folder, " + std::string(kHashModel) + ", or one of " +
                          provider_names(options));
  }
  VECMILL_ASSIGN(auto provider, open_local(options, dtype, threads));
  return OpenedModel{std::move(provider)};
}

ModelOptions options_of(const SpaceInfo& space) {
  ModelOptions options;
  options.model = space.model;
  options.dims = space.dims;
  options.max_seq_length = space.max_tokens;
  options.dtype = dtype_of(space.arithmetic);
  return options;
}

}  // namespace vecmill::engine
