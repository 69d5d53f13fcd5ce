#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "vecmill/engine.h"
#include "vecmill/engine/job_output.h"
#include "vecmill/engine/job_payload.h"
#include "vecmill/engine/job_records.h"
#include "vecmill/result.h"
#include "vecmill/sink.h"

namespace vecmill::engine {

/// A text that got no vector.
struct FailedText {
  std::size_t index = 0;  ///< in the job's records
  Error error;
};

struct JobResult {
  std::vector<FailedText> failed;
  std::uint64_t texts = 0, tokens = 0;  ///< written
};

/// Does jobs one after the other. The model and the output of the last one stay open for the next.
class JobRunner {
 public:
  explicit JobRunner(ModelOptions machine) : machine_(std::move(machine)) {}

  /// Every text that can be embedded is in the output when it returns, whole and durable.
  ///   errors  kMismatch: the model here is another; kCancelled; those of Engine::open, of
  ///           Engine::run and of the output
  Result<JobResult> run(const JobPayload& payload, const JobRecords& texts,
                        const std::stop_token& stop);

  /// Of a table, what the output lacks.
  ///   errors  those of JobReader; of a table also those of `run`
  Result<JobRecords> read(const JobPayload& payload);

 private:
  Status open_engine(const JobPayload& payload);
  Status open_output(const JobPayload& payload, const std::vector<postgres::Column>& keys = {});

  const ModelOptions machine_;
  JobReader reader_;
  std::unique_ptr<Engine> engine_;
  std::string engine_of_;  ///< what `engine_` is of
  JobOutput output_;
  std::string output_of_;
};

}  // namespace vecmill::engine
