#include "vecmill/engine/job_runner.h"

#include <charconv>
#include <utility>

#include "vecmill/base/failpoint.h"

namespace vecmill::engine {
namespace {

class ListSource : public Source {
 public:
  explicit ListSource(const std::vector<Record>& records) : records_(records) {}

  Result<std::vector<Record>> next(std::size_t count) override {
    const std::size_t end = std::min(records_.size(), next_ + count);
    std::vector<Record> some(records_.begin() + static_cast<std::ptrdiff_t>(next_),
                             records_.begin() + static_cast<std::ptrdiff_t>(end));
    next_ = end;
    return some;
  }
  [[nodiscard]] std::string position() const override { return std::to_string(next_); }
  Status seek(const std::string& position) override {
    std::from_chars(position.data(), position.data() + position.size(), next_);
    return {};
  }

 private:
  const std::vector<Record>& records_;
  std::size_t next_ = 0;
};

/// Passes rows on and keeps those that failed: they become jobs of their own.
class JobSink : public Sink {
 public:
  JobSink(Sink& output, const std::vector<Record>& records) : output_(output), records_(records) {}

  Status write(std::span<const OutputRow> rows) override {
    std::vector<OutputRow> good;
    for (const OutputRow& row : rows) {
      while (records_[next_].id != row.id) ++next_;  // those that were left out have no row
      if (row.error) failed.push_back({next_, *row.error});
      if (!row.error) good.push_back(row);
      ++next_;
    }
    return good.empty() ? Status() : output_.write(good);
  }
  Status commit(const std::string& position) override { return output_.commit(position); }
  Status finish() override { return {}; }  // others still write
  [[nodiscard]] bool wants_text_hash() const override { return output_.wants_text_hash(); }

  std::vector<FailedText> failed;

 private:
  Sink& output_;
  const std::vector<Record>& records_;
  std::size_t next_ = 0;
};

}  // namespace

Status JobRunner::open_engine(const JobPayload& payload) {
  const std::string name = payload.model + '\0' + payload.dtype + '\0' +
                           std::to_string(payload.dims) + '\0' +
                           std::to_string(payload.max_seq_length);
  if (!engine_ || engine_of_ != name) {
    engine_.reset();  // not two at once
    ModelOptions options = machine_;
    options.model = payload.model;
    options.dtype = payload.dtype;
    options.dims = payload.dims;
    options.max_seq_length = payload.max_seq_length;
    VECMILL_ASSIGN(engine_, Engine::open(options));
    engine_of_ = name;
  }
  const SpaceInfo here = engine_->capabilities(payload.job.options).space;
  if (here.space == payload.space && here.arithmetic == payload.arithmetic) return {};
  return make_error(ErrorKind::kMismatch,
                    "the model on this machine is not the one that the job was made for",
                    payload.model, "give this worker the same model, or submit with this one");
}

Status JobRunner::open_output(const JobPayload& payload,
                              const std::vector<postgres::Column>& keys) {
  const std::string name =
      payload.job.out + '\0' + payload.space + '\0' + (payload.job.half ? "f16" : "f32");
  if (output_.sink && output_of_ == name) return {};
  output_ = {};
  const SpaceInfo space = engine_->capabilities(payload.job.options).space;
  VECMILL_ASSIGN(output_, open_job_output(payload.job, space, keys));
  output_of_ = name;
  return {};
}

Result<JobRecords> JobRunner::read(const JobPayload& payload) {
  if (!payload.is_of_table()) return reader_.read(payload);
  VECMILL_TRY(open_engine(payload));
  VECMILL_ASSIGN(const auto keys, reader_.keys(payload));
  VECMILL_TRY(open_output(payload, keys));
  return reader_.read_rows(payload, output_.table);
}

Result<JobResult> JobRunner::run(const JobPayload& payload, const JobRecords& texts,
                                 const std::stop_token& stop) {
  VECMILL_TRY(open_engine(payload));
  VECMILL_TRY(open_output(payload));
  for (const Record& record : texts.records) failpoint(record.id);  // a text that kills
  ListSource source(texts.records);
  JobSink sink(*output_.sink, texts.records);
  const auto report = engine_->run(source, sink, payload.job, {}, stop);
  if (!report) {
    output_ = {};  // after an error nobody knows in what state it is
    return report.error();
  }
  return JobResult{std::move(sink.failed), report->embedded, report->tokens};
}

}  // namespace vecmill::engine
