#include <unistd.h>

#include <iostream>
#include <string>

#include "vecmill/base/suggest.h"
#include "vecmill/cli/command.h"
#include "vecmill/cli/output.h"
#include "vecmill/models.h"

namespace vecmill::cli {
namespace {

JsonObject stored_json(const StoredModel& model) {
  JsonObject object;
  object.text("name", model.name).text("revision", model.revision);
  object.text("folder", model.folder).text("origin", model.origin);
  return object;
}

Result<ExitCode> list(const Settings& settings) {
  VECMILL_ASSIGN(const auto models, list_models());
  if (settings.on("json")) {
    VECMILL_TRY(
        print(json_array(models, [](const StoredModel& m) { return stored_json(m).line(); })));
    return kExitOk;
  }
  for (const StoredModel& model : models) {
    VECMILL_TRY(print(settings.on("quiet")
                          ? model.name
                          : model.name + "\t" + model.origin + "\t" + model.revision.substr(0, 12) +
                                "\t" + model.folder));
  }
  if (models.empty()) {
    say("there are no models; get one: vecmill pull sentence-transformers/all-MiniLM-L6-v2");
  }
  return kExitOk;
}

std::string arithmetic_line(const ModelDetails& model) {
  std::string line = model.auto_dtype + " by --dtype auto: here bf16 is " +
                     fixed(model.bf16_speed, 2) + " times as fast as f32";
  if (model.bf16_least_cosine > 0) {
    line += ", cosine to f32 at least " + fixed(model.bf16_least_cosine, 6);
  }
  return line;
}

std::string int8_line(const ModelDetails& model) {
  std::uint64_t inputs = 0;
  for (const auto& [matrix, kept] : model.int8_outliers) inputs += kept;
  return fixed(100 * model.int8_share, 1) + " % of the multiplications with weights; " +
         with_commas(inputs) + " inputs of " + std::to_string(model.int8_outliers.size()) +
         " matrices stand out and stay in f32";
}

Result<ExitCode> show(const Settings& settings, const std::string& name) {
  VECMILL_ASSIGN(const ModelDetails model, show_model(name));
  if (settings.on("json")) {
    JsonObject object = stored_json(model.stored);
    object.text("architecture", model.architecture);
    object.raw("modules", json_array(model.modules, json_text));
    object.count("dims", model.dims).count("max_tokens", model.max_tokens);
    object.count("layers", model.layers).count("vocab", model.vocab);
    object.raw("prompts", json_array(model.prompts, [](const auto& prompt) {
                 return JsonObject().text("name", prompt.first).text("text", prompt.second).line();
               }));
    object.text("auto_dtype", model.auto_dtype).number("bf16_speed", model.bf16_speed);
    object.number("bf16_least_cosine", model.bf16_least_cosine);
    object.number("int8_share", model.int8_share);
    object.raw(
        "int8_outliers", json_array(model.int8_outliers, [](const auto& matrix) {
          return JsonObject().text("matrix", matrix.first).count("inputs", matrix.second).line();
        }));
    VECMILL_TRY(print(object.line()));
    return kExitOk;
  }
  std::string modules;
  for (const std::string& module : model.modules) modules += (modules.empty() ? "" : ", ") + module;
  VECMILL_TRY(print("name          " + model.stored.name));
  VECMILL_TRY(print("folder        " + model.stored.folder + " (" + model.stored.origin + ")"));
  VECMILL_TRY(print("revision      " + model.stored.revision));
  VECMILL_TRY(print("architecture  " + model.architecture + ", " + std::to_string(model.layers) +
                    " layers"));
  VECMILL_TRY(print("modules       " + modules));
  VECMILL_TRY(print("dimensions    " + std::to_string(model.dims)));
  const std::string most =
      model.max_tokens == 0 ? "any number" : "at most " + std::to_string(model.max_tokens);
  VECMILL_TRY(print("tokens        " + most + " of " + with_commas(model.vocab)));
  if (!model.auto_dtype.empty()) VECMILL_TRY(print("arithmetic    " + arithmetic_line(model)));
  if (model.int8_share > 0) VECMILL_TRY(print("int8          " + int8_line(model)));
  for (const auto& [prompt, text] : model.prompts) {
    VECMILL_TRY(print("prompt        " + prompt + ": \"" + text + "\""));
  }
  return kExitOk;
}

Result<ExitCode> verify_against_f32(const Settings& settings, const std::string& name) {
  VECMILL_ASSIGN(const auto checks, compare_with_f32(name));
  if (settings.on("json")) {
    VECMILL_TRY(print(json_array(checks, [](const ArithmeticCheck& check) {
      JsonObject object;
      object.text("dtype", check.dtype).number("mean_cosine", check.mean_cosine);
      object.number("least_cosine", check.least_cosine).number("speed", check.speed);
      return object.line();
    })));
    return kExitOk;
  }
  for (const ArithmeticCheck& check : checks) {
    VECMILL_TRY(print(check.dtype + "\tcosine to f32 " + fixed(check.mean_cosine, 6) +
                      " on average, " + fixed(check.least_cosine, 6) + " at least\t" +
                      fixed(check.speed, 2) + " times as fast"));
  }
  if (checks.empty()) {
    say(name + " has not been used here but in f32; use it once with --dtype bf16 or int8");
  }
  return kExitOk;
}

Result<ExitCode> verify(const Settings& settings, const std::string& name) {
  if (!settings.text("against").empty()) return verify_against_f32(settings, name);
  VECMILL_ASSIGN(const ModelCheck check, verify_model(name));
  if (settings.on("json")) {
    JsonObject object;
    object.text("name", name).count("files", check.files).count("bytes", check.bytes);
    object.raw("problems", json_array(check.problems, json_text));
    VECMILL_TRY(print(object.line()));
  } else {
    for (const std::string& problem : check.problems) VECMILL_TRY(print(problem));
    if (check.problems.empty()) {
      VECMILL_TRY(print(name + ": " + std::to_string(check.files) + " files, " +
                        readable_bytes(check.bytes) + ", all as they came"));
    }
  }
  return check.problems.empty() ? kExitOk : kExitNegative;
}

Result<ExitCode> remove(const Settings& settings, const std::string& name) {
  if (!settings.on("yes")) {
    if (isatty(STDIN_FILENO) == 0) {
      return make_error(ErrorKind::kInvalidArgument, "nobody is there to ask", {},
                        "say --yes to remove " + name);
    }
    std::cerr << "remove " << name << " with all its revisions? [y/N] ";
    std::string answer;
    std::getline(std::cin, answer);
    if (answer != "y" && answer != "Y" && answer != "yes") return kExitNegative;
  }
  VECMILL_TRY(remove_model(name));
  say("removed " + name);
  return kExitOk;
}

}  // namespace

Result<ExitCode> run_models(const Invocation& invocation) {
  const Settings& settings = invocation.settings;
  const auto& words = invocation.arguments;
  const std::string what = words.empty() ? "" : words[0];
  if (what == "ls" && words.size() == 1) return list(settings);
  if (words.size() == 2) {
    if (what == "show") return show(settings, words[1]);
    if (what == "verify") return verify(settings, words[1]);
    if (what == "rm") return remove(settings, words[1]);
  }
  constexpr std::string_view kVerbs[] = {"ls", "show", "verify", "rm"};
  std::string hint = suggestion(what, kVerbs);
  return make_error(ErrorKind::kInvalidArgument, "models: ls, show NAME, verify NAME or rm NAME",
                    {}, what.empty() ? "" : std::move(hint));
}

}  // namespace vecmill::cli
