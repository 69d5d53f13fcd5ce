#include <string>

#include "vecmill/cli/command.h"
#include "vecmill/cli/output.h"
#include "vecmill/cli/progress.h"
#include "vecmill/models.h"

namespace vecmill::cli {
namespace {

std::string model_json(const StoredModel& model) {
  JsonObject object;
  object.text("name", model.name).text("revision", model.revision).text("folder", model.folder);
  return object.line();
}

Result<std::string> only_argument(const Invocation& invocation, const char* what) {
  if (invocation.arguments.size() == 1) return invocation.arguments[0];
  return make_error(ErrorKind::kInvalidArgument,
                    std::string("exactly one ") + what + " is expected", {}, "see --help");
}

std::string pull_json(const PullSummary& summary) {
  JsonObject object;
  object.text("schema", "vecmill.pull.v1").raw("model", model_json(summary.model));
  object.count("files", summary.files).count("bytes", summary.bytes);
  object.count("fetched", summary.fetched);
  object.raw("list", json_array(summary.list, [](const auto& file) {
               return JsonObject().text("file", file.first).count("bytes", file.second).line();
             }));
  return object.line();
}

}  // namespace

Result<ExitCode> run_import(const Invocation& invocation) {
  const Settings& settings = invocation.settings;
  VECMILL_ASSIGN(const std::string path, only_argument(invocation, "folder, wheel or zip"));
  VECMILL_ASSIGN(const StoredModel model, import_model(path, settings.text("name")));
  if (!settings.on("quiet")) say("imported " + model.name + " into " + model.folder);
  VECMILL_TRY(print(settings.on("json") ? model_json(model) : model.name));
  return kExitOk;
}

Result<ExitCode> run_pull(const Invocation& invocation) {
  const Settings& settings = invocation.settings;
  const bool json = settings.on("json"), quiet = settings.on("quiet");
  PullRequest request;
  VECMILL_ASSIGN(request.name, only_argument(invocation, "model"));
  request.revision = settings.text("revision");
  request.dry_run = settings.on("dry-run");
  request.offline = settings.on("offline");
  ProgressLine progress(settings.text("progress"), quiet);
  request.progress = [&](std::string_view file, std::uint64_t done, std::uint64_t total) {
    progress.show(readable_bytes(done) + " of " + readable_bytes(total) + "  " +
                  std::to_string(total > 0 ? done * 100 / total : 0) + " %  " + std::string(file));
  };
  const auto summary = pull_model(request);
  progress.clear();
  if (!summary) return summary.error();
  if (json) {
    VECMILL_TRY(print(pull_json(*summary)));
    return kExitOk;
  }
  if (request.dry_run) {
    for (const auto& [file, bytes] : summary->list) {
      VECMILL_TRY(print(readable_bytes(bytes) + "\t" + file));
    }
    say(std::to_string(summary->files) + " files, " + readable_bytes(summary->bytes) + " of " +
        summary->model.name + " at " + summary->model.revision + "; nothing was fetched");
    return kExitOk;
  }
  if (!quiet) {
    say(summary->model.name + " at " + summary->model.revision + ": " +
        readable_bytes(summary->fetched) + " fetched");
  }
  VECMILL_TRY(print(summary->model.folder));
  return kExitOk;
}

}  // namespace vecmill::cli
