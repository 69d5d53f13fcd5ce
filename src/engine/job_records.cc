#include "vecmill/engine/job_records.h"

#include <algorithm>
#include <utility>

#include "vecmill/engine/open_source.h"

namespace vecmill::engine {
namespace {

constexpr std::size_t kReadAtOnce = 1024;
constexpr std::uint64_t kMostInlineBytes = std::uint64_t{256} << 20;

Error changed(const JobPayload& payload) {
  return make_error(ErrorKind::kMismatch, "is not what it was when the job was made",
                    payload.job.inputs.front(), "bring it back, or submit what is there now");
}

/// What tells one source from another.
std::string name_of(const EmbedJob& job) {
  std::string name =
      job.id_field + '\0' + job.text_field + '\0' + job.format + (job.whole_file ? "\0whole" : "");
  for (const std::string& input : job.inputs) name += '\0' + input;
  return name;
}

}  // namespace

JobPayload JobRecords::only(std::size_t i, const JobPayload& payload) const {
  JobPayload one = payload;
  one.count = 1;
  if (payload.has_texts()) {
    one.texts = {records[i]};
    return one;
  }
  one.first = payload.first + i;
  one.from = positions[i];
  one.to = positions[i + 1];
  return one;
}

Status JobReader::open(const JobPayload& payload) {
  const std::string name = name_of(payload.job);
  if (input_.source && of_ == name) return {};
  input_ = {};
  VECMILL_ASSIGN(input_, open_input(payload.job));
  of_ = name;
  next_ = 0;
  return {};
}

Status JobReader::go_to(const JobPayload& payload) {
  if (next_ > payload.first) input_ = {};
  VECMILL_TRY(open(payload));
  while (next_ < payload.first) {
    VECMILL_ASSIGN(const auto passed, input_.source->next(std::min<std::uint64_t>(
                                          payload.first - next_, kReadAtOnce)));
    if (passed.empty()) return changed(payload);
    next_ += passed.size();
  }
  if (input_.source->position() != payload.from) return changed(payload);
  return {};
}

Result<JobRecords> JobReader::read(const JobPayload& payload) {
  if (payload.has_texts()) return JobRecords{payload.texts, {}};
  JobRecords job;
  const auto read = [&]() -> Status {
    VECMILL_TRY(go_to(payload));
    job.positions.push_back(payload.from);
    while (job.records.size() < payload.count) {
      VECMILL_ASSIGN(auto one, input_.source->next(1));
      if (one.empty()) return changed(payload);
      ++next_;
      job.records.push_back(std::move(one.front()));
      job.positions.push_back(input_.source->position());
    }
    if (job.positions.back() != payload.to) return changed(payload);
    return {};
  };
  const Status done = read();
  if (done) return job;
  input_ = {};  // after an error it is of no use
  return done.error();
}

Result<std::vector<postgres::Column>> JobReader::keys(const JobPayload& payload) {
  VECMILL_TRY(open(payload));
  return input_.keys();
}

Result<JobRecords> JobReader::read_rows(const JobPayload& payload,
                                        const std::optional<postgres::Target>& done) {
  VECMILL_TRY(open(payload));
  input_.table->leave_out(done);
  VECMILL_TRY(input_.table->seek(payload.from));
  VECMILL_TRY(input_.table->until(payload.to));
  JobRecords job;
  job.positions.push_back(payload.from);
  for (;;) {
    VECMILL_ASSIGN(auto one, input_.table->next(1));
    if (one.empty()) return job;
    job.records.push_back(std::move(one.front()));
    job.positions.push_back(input_.table->position());
  }
}

Result<std::vector<JobPayload>> cut_into_jobs(Source& source, const JobPayload& pattern,
                                              std::uint32_t texts, bool texts_inline) {
  std::vector<JobPayload> jobs;
  std::uint64_t bytes = 0;
  for (std::uint64_t first = 0;; first += jobs.back().count) {
    JobPayload job = pattern;
    job.first = first;
    job.from = source.position();
    VECMILL_ASSIGN(auto records, source.next(texts));
    if (records.empty()) return jobs;
    job.count = records.size();
    job.to = source.position();
    if (texts_inline) {
      for (const Record& record : records) bytes += record.text.size() + record.metadata.size();
      if (bytes > kMostInlineBytes) {
        return make_error(ErrorKind::kInvalidArgument,
                          "the texts are more than the 256 MiB that a queue takes at a time",
                          pattern.job.inputs.front(),
                          "name files that the workers can read, or submit a part at a time");
      }
      job.job.inputs.clear();
      job.texts = std::move(records);
    }
    jobs.push_back(std::move(job));
  }
}

}  // namespace vecmill::engine
