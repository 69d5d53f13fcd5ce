#include "vecmill/cli/model_settings.h"

#include <utility>

#include "vecmill/cli/output.h"

namespace vecmill::cli {

namespace {

RemoteSettings remote_settings(const Settings& settings) {
  RemoteSettings remote;
  remote.providers = settings.tables().providers();
  ProviderSettings& now = remote.strongest;
  now.requests_per_minute = settings.count("requests-per-minute");
  now.tokens_per_minute = settings.count("tokens-per-minute");
  now.in_flight = settings.count("in-flight");
  now.timeout = std::chrono::seconds(settings.count("request-timeout"));
  if (settings.by_hand("dims")) now.dims = settings.count("dims");
  if (settings.by_hand("batch-size")) now.batch_size = settings.count("batch-size");
  if (settings.by_hand("price")) now.price = settings.text("price");
  return remote;
}

}  // namespace

ModelOptions model_options(const Settings& settings) {
  ModelOptions options;
  options.model = settings.text("model");
  options.dims = settings.count("dims");
  options.max_seq_length = settings.count("max-seq-length");
  options.device = settings.text("device");
  options.dtype = settings.text("dtype");
  options.threads = settings.count("threads");
  options.max_memory = settings.bytes("max-memory");
  options.max_request_texts = settings.count("batch-size");
  options.use_cache = CacheMode::kOff;
  options.remote = remote_settings(settings);
  return options;
}

ModelOptions model_options(const Settings& settings, const ModelOptions& made_with) {
  ModelOptions options = model_options(settings);
  if (settings.is_default("model")) options.model = made_with.model;
  if (settings.is_default("dims")) options.dims = options.remote.strongest.dims = made_with.dims;
  if (settings.is_default("max-seq-length")) options.max_seq_length = made_with.max_seq_length;
  if (settings.is_default("dtype")) options.dtype = made_with.dtype;
  return options;
}

EmbedOptions embed_options(const Settings& settings) {
  EmbedOptions options;
  const std::string& role = settings.text("role");
  options.role = role == "query" ? Role::kQuery : role == "none" ? Role::kNone : Role::kDocument;
  const std::string& truncate = settings.text("truncate");
  options.truncate = truncate == "start"   ? Truncate::kStart
                     : truncate == "error" ? Truncate::kError
                                           : Truncate::kEnd;
  return options;
}

void say_note(const Engine& engine, const EmbedOptions& options, bool quiet) {
  const std::string note = engine.capabilities(options).note;
  if (!quiet && !note.empty()) say(note);
}

EmbedJob read_job(const Settings& settings, std::vector<std::string> inputs) {
  EmbedJob job;
  job.inputs = std::move(inputs);
  job.id_field = settings.text("id-field");
  job.text_field = settings.text("text-field");
  job.format = settings.text("format");
  job.whole_file = settings.on("whole-file");
  job.options = embed_options(settings);
  const std::string& empty = settings.text("empty");
  job.empty = empty == "skip" ? Empty::kSkip : empty == "fail" ? Empty::kFail : Empty::kEmbed;
  return job;
}

}  // namespace vecmill::cli
