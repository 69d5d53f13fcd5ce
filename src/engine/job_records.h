#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "vecmill/engine/job_payload.h"
#include "vecmill/engine/open_ends.h"
#include "vecmill/record.h"
#include "vecmill/result.h"
#include "vecmill/source.h"

namespace vecmill::engine {

/// The texts of a job, all in memory.
struct JobRecords {
  std::vector<Record> records;
  std::vector<std::string> positions;  ///< around them, one more; none of texts that a job holds

  /// The job of only the i-th of them.
  [[nodiscard]] JobPayload only(std::size_t i, const JobPayload& payload) const;
};

/// Reads what jobs name. The inputs stay open: jobs come in the order of their records, and what
/// lies between two of them is read over once, not from the start each time.
class JobReader {
 public:
  ///   errors  kMismatch: the inputs are not those that the job was made of; those of reading
  Result<JobRecords> read(const JobPayload& payload);

  /// Of a table: the columns that make up an id, and what of its rows `done` does not have.
  Result<std::vector<postgres::Column>> keys(const JobPayload& payload);
  Result<JobRecords> read_rows(const JobPayload& payload,
                               const std::optional<postgres::Target>& done);

 private:
  Status open(const JobPayload& payload);
  Status go_to(const JobPayload& payload);

  Input input_;
  std::string of_;          ///< what `input_` reads
  std::uint64_t next_ = 0;  ///< the record that it gives next
};

/// Cuts inputs into jobs of `texts` records each.
///   texts_inline  the jobs hold their texts
///   errors  those of reading; kInvalidArgument: more text than a queue takes
Result<std::vector<JobPayload>> cut_into_jobs(Source& source, const JobPayload& pattern,
                                              std::uint32_t texts, bool texts_inline);

}  // namespace vecmill::engine
