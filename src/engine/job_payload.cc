#include "vecmill/engine/job_payload.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

namespace vecmill::engine {
namespace {

using nlohmann::json;

constexpr int kVersion = 1;
constexpr std::uint64_t kMostTexts = 1'000'000;

constexpr std::array<std::pair<Role, const char*>, 3> kRoles = {
    {{Role::kDocument, "document"}, {Role::kQuery, "query"}, {Role::kNone, "none"}}};
constexpr std::array<std::pair<Truncate, const char*>, 3> kCuts = {
    {{Truncate::kEnd, "end"}, {Truncate::kStart, "start"}, {Truncate::kError, "error"}}};
constexpr std::array<std::pair<Empty, const char*>, 3> kEmpties = {
    {{Empty::kEmbed, "embed"}, {Empty::kSkip, "skip"}, {Empty::kFail, "fail"}}};

template <class Table, class Value>
const char* word_of(const Table& table, Value value) {
  return std::ranges::find(table, value, [](const auto& row) { return row.first; })->second;
}

json::other_error no_such_word() { return json::other_error::create(501, "no such word", nullptr); }

/// Throws, as nlohmann does, when there is no such word.
template <class Table>
auto value_of(const Table& table, const std::string& word) {
  for (const auto& [value, name] : table) {
    if (word == name) return value;
  }
  throw no_such_word();
}

json records_of(const JobPayload& payload) {
  if (!payload.has_texts()) {
    return {{"inputs", payload.job.inputs},
            {"id_field", payload.job.id_field},
            {"text_field", payload.job.text_field},
            {"format", payload.job.format},
            {"whole_file", payload.job.whole_file},
            {"first", payload.first},
            {"count", payload.count},
            {"from", payload.from},
            {"to", payload.to}};
  }
  json texts = json::array();
  for (const Record& record : payload.texts) {
    texts.push_back({record.id, record.text, record.metadata});
  }
  return texts;
}

void read_records(const json& from, JobPayload& payload) {
  if (from.is_array()) {
    for (const json& text : from) {
      payload.texts.push_back({text.at(0).get<std::string>(), text.at(1).get<std::string>(),
                               text.at(2).get<std::string>()});
    }
    payload.count = payload.texts.size();
    return;
  }
  from.at("inputs").get_to(payload.job.inputs);
  from.at("id_field").get_to(payload.job.id_field);
  from.at("text_field").get_to(payload.job.text_field);
  from.at("format").get_to(payload.job.format);
  from.at("whole_file").get_to(payload.job.whole_file);
  from.at("first").get_to(payload.first);
  from.at("count").get_to(payload.count);
  from.at("from").get_to(payload.from);
  from.at("to").get_to(payload.to);
}

JobPayload read(const json& from) {
  JobPayload payload;
  from.at("model").get_to(payload.model);
  from.at("dtype").get_to(payload.dtype);
  from.at("dims").get_to(payload.dims);
  from.at("max_seq_length").get_to(payload.max_seq_length);
  from.at("space").get_to(payload.space);
  from.at("arithmetic").get_to(payload.arithmetic);
  EmbedJob& job = payload.job;
  from.at("out").get_to(job.out);
  from.at("half").get_to(job.half);
  from.at("batch_size").get_to(job.batch_size);
  from.at("tag_fields").get_to(job.tag_fields);
  job.options.role = value_of(kRoles, from.at("role"));
  job.options.truncate = value_of(kCuts, from.at("truncate"));
  job.empty = value_of(kEmpties, from.at("empty"));
  const auto outputs = parse_outputs(from.at("outputs").get<std::string>(), "outputs");
  if (!outputs) throw no_such_word();
  job.options.outputs = *outputs;
  read_records(from.at("texts"), payload);
  return payload;
}

Error damaged(const std::string& what) {
  return make_error(ErrorKind::kInvalidData, "is no job of Vecmill: " + what, "payload");
}

}  // namespace

std::string to_text(const JobPayload& payload) {
  const EmbedJob& job = payload.job;
  const json all = {{"version", kVersion},
                    {"model", payload.model},
                    {"dtype", payload.dtype},
                    {"dims", payload.dims},
                    {"max_seq_length", payload.max_seq_length},
                    {"space", payload.space},
                    {"arithmetic", payload.arithmetic},
                    {"out", job.out},
                    {"half", job.half},
                    {"batch_size", job.batch_size},
                    {"tag_fields", job.tag_fields},
                    {"role", word_of(kRoles, job.options.role)},
                    {"truncate", word_of(kCuts, job.options.truncate)},
                    {"empty", word_of(kEmpties, job.empty)},
                    {"outputs", name(job.options.outputs)},
                    {"texts", records_of(payload)}};
  return all.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<JobPayload> parse_payload(std::string_view text) {
  const json all = json::parse(text, nullptr, false);
  if (!all.is_object()) return damaged("not a JSON object");
  try {
    if (const auto version = all.at("version").get<int>(); version != kVersion) {
      return make_error(
          ErrorKind::kUnsupported,
          "a job of version " + std::to_string(version) + ", this is " + std::to_string(kVersion),
          "payload", "use workers of the version that submitted it");
    }
    JobPayload payload = read(all);
    if (payload.count == 0 || payload.count > kMostTexts) return damaged("no texts, or too many");
    if (payload.has_texts() && payload.texts.empty()) return damaged("no inputs");
    return payload;
  } catch (const json::exception&) {
    return damaged("a member is missing, or is not what it should be");
  }
}

bool JobPayload::is_of_table() const { return !has_texts() && is_postgres_url(job.inputs.front()); }

std::string texts_of(const JobPayload& payload) {
  if (payload.has_texts()) {
    if (payload.count == 1) return payload.texts.front().id;
    return std::to_string(payload.count) + " texts from " + payload.texts.front().id + " to " +
           payload.texts.back().id;
  }
  if (payload.is_of_table()) {
    return shown_place(payload.job.inputs.front()) + ", rows " + payload.from +
           (payload.from.empty() ? "" : " ") + "up to " +
           payload.to.substr(payload.to.find(' ') + 1);
  }
  std::string names = payload.job.inputs.front();
  if (payload.job.inputs.size() > 1) names += ", ...";
  if (payload.count == 1) return names + ", record " + std::to_string(payload.first + 1);
  return names + ", records " + std::to_string(payload.first + 1) + " to " +
         std::to_string(payload.first + payload.count);
}

}  // namespace vecmill::engine
