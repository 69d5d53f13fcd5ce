#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/engine.h"
#include "vecmill/record.h"
#include "vecmill/result.h"

namespace vecmill::engine {

/// What a job in a queue says: which model, which texts, where to. Either it names records of
/// inputs that its worker reads, or it holds the texts.
struct JobPayload {
  std::string model, dtype;
  std::uint32_t dims = 0, max_seq_length = 0;
  std::string space, arithmetic;  ///< what the vectors must be
  EmbedJob job;                   ///< without what a worker decides, `resume` and `postgres`
  std::uint64_t first = 0;        ///< of the records, from 0
  std::uint64_t count = 0;
  std::string from, to;       ///< Source::position before the first and behind the last
  std::vector<Record> texts;  ///< then there are no `job.inputs`

  [[nodiscard]] bool has_texts() const { return job.inputs.empty(); }
  /// Its texts are what the rows between `from` and `to` hold when they are read.
  [[nodiscard]] bool is_of_table() const;
};

/// As JSON.
[[nodiscard]] std::string to_text(const JobPayload& payload);

///   errors  kInvalidData: damaged; kUnsupported: of another version
Result<JobPayload> parse_payload(std::string_view text);

/// For people, without any text: "notes.jsonl, records 1 to 1000", or the id of the only text.
[[nodiscard]] std::string texts_of(const JobPayload& payload);

}  // namespace vecmill::engine
