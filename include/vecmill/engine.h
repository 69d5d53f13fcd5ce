#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/cache.h"
#include "vecmill/cost.h"
#include "vecmill/fallback.h"
#include "vecmill/postgres.h"
#include "vecmill/provider.h"
#include "vecmill/qdrant.h"
#include "vecmill/record.h"
#include "vecmill/remote.h"
#include "vecmill/result.h"
#include "vecmill/shared_state.h"
#include "vecmill/sink.h"
#include "vecmill/source.h"

namespace vecmill {

struct ModelOptions {
  /// Folder, "org/name", bare name, "builtin:hash", "voyage:voyage-code-3" (docs/remote.md); empty:
  /// all-MiniLM-L6-v2.
  std::string model;
  std::uint32_t dims = 0;            ///< Matryoshka: keep so many components; 0: all
  std::uint32_t max_seq_length = 0;  ///< tokens per text; 0: the model's own limit
  std::string device = "cpu";        ///< or "auto"
  /// "f32", "bf16", "int8", "int8-compact"; auto: f32, or bf16 where it is faster and as exact.
  std::string dtype = "auto";
  std::uint32_t threads = 0;            ///< 0: one per core that this process may use
  std::uint64_t max_memory = 0;         ///< bytes, but for word embeddings; 0: all it may use
  std::uint32_t max_request_texts = 0;  ///< to an API at a time; 0: as many as it takes
  CacheMode use_cache = CacheMode::kAuto;
  CacheOptions cache = {};
  SpendOptions spend = {};        ///< for models of providers that bill
  RemoteSettings remote = {};     ///< for models behind APIs
  FallbackOptions fallback = {};  ///< the same
  SharedOptions shared = {};      ///< a server that several processes use
};

enum class Empty : std::uint8_t { kEmbed, kSkip, kFail };

/// From files to a file of vectors. Field meanings: docs/cli.md, command `embed`.
struct EmbedJob {
  std::vector<std::string> inputs;  ///< files, folders, "-", or one table or collection
  std::string out;                  ///< .npy, .jsonl, .db, a table or a collection
  std::string id_field, text_field, format;
  bool whole_file = false;
  EmbedOptions options;
  Empty empty = Empty::kEmbed;
  bool half = false;  ///< store f16 instead of f32
  bool resume = false;
  std::uint32_t batch_size = 0;  ///< texts at a time of a local model; 0: chosen by tokens
  PostgresOptions postgres = {};
  QdrantOptions qdrant = {};
  std::vector<std::string> tag_fields{};  ///< of the records: tags of what their texts cost
};

/// Its output: a table that is the only input is also that where no other is named.
[[nodiscard]] const std::string& output_of(const EmbedJob& job);

struct EmbedProgress {
  std::uint64_t texts = 0, tokens = 0;  ///< done so far, in this run
  std::uint64_t resumed = 0;            ///< done before it
  std::uint64_t texts_total = 0;        ///< in the whole input; 0: unknown (standard input)
  double seconds = 0;
  std::uint64_t cached = 0;  ///< of `texts`, those found in the cache
  std::uint64_t failed = 0;  ///< texts that have no vector
};

/// What a cache did for a run. Only dense vectors are cached.
struct CacheReport {
  bool used = false;
  std::uint64_t hits = 0;        ///< rows whose vector was found
  std::uint64_t misses = 0;      ///< rows whose vector the model made
  std::uint64_t duplicates = 0;  ///< rows that share the vector of an equal text, made once
  std::uint64_t failures = 0;    ///< times that the file could not be read or written
  std::string failure;           ///< the last of them
  std::string set_aside;         ///< where a damaged file went; empty: it was whole
};

struct EmbedReport {
  std::uint64_t embedded = 0, failed = 0, skipped = 0, empty = 0;
  std::uint64_t resumed = 0;  ///< rows that an earlier run had finished
  std::uint64_t tokens = 0;
  std::uint64_t truncated_texts = 0, truncated_tokens = 0;
  std::vector<std::string> truncated_ids;  ///< the first 20
  double seconds = 0, load_seconds = 0;
  std::uint64_t peak_rss_bytes = 0;
  bool was_complete = false;  ///< resume of a finished output: nothing was done
  CacheReport cache;          ///< of this run; failures since the engine was opened
  SpendReport spend;          ///< since the engine was opened
  FallbackReport fallback;
  SharedReport shared;
  SpaceInfo space;
  std::vector<std::string> notes;  ///< of the output, see Sink::notes
};

/// What a dry run finds out.
struct CountReport {
  std::uint64_t texts = 0, tokens = 0, empty = 0;
  std::uint64_t truncated_texts = 0, truncated_tokens = 0;
};

struct Hit {
  std::string id;
  float score = 0;
};

/// How a query and a row are compared, as in the paper of bge-m3.
enum class QueryMode : std::uint8_t {
  kAuto,         ///< dense where the index has it, else what it has
  kDense,        ///< cosine
  kSparse,       ///< sum over shared tokens of the product of weights
  kMultivector,  ///< mean over the query's tokens of the largest cosine
  kHybrid,       ///< of those that the index has: 0.4 dense, 0.2 sparse, 0.4 multivector
};

/// One model, ready to embed. Safe from any thread.
class Engine {
 public:
  ///   errors  kNotFound with the command that gets the model, kUnsupported, kInvalidData,
  ///           kInvalidArgument (device, dims, max_seq_length); with a cache also
  ///           those of cache_status
  static Result<std::unique_ptr<Engine>> open(const ModelOptions& options);
  ~Engine();

  [[nodiscard]] Capabilities capabilities(const EmbedOptions& options = {}) const;

  /// One result per text, in order, over all threads.
  std::vector<Result<Embedding>> embed(std::span<const std::string_view> texts,
                                       const EmbedOptions& options = {});

  /// Reads, embeds and writes in constant memory. When `stop` is requested the work in flight is
  /// finished and kept, and the error is kCancelled: the same job with `resume` goes on.
  Result<EmbedReport> run(const EmbedJob& job,
                          const std::function<void(const EmbedProgress&)>& progress = {},
                          const std::stop_token& stop = {});

  /// As `run`, from a source at its place into a sink, both the caller's; of the job only how texts
  /// are read and embedded counts, not where from and where to. What a text's failure is tells the
  /// sink.
  Result<EmbedReport> run(Source& source, Sink& sink, const EmbedJob& job,
                          const std::function<void(const EmbedProgress&)>& progress = {},
                          const std::stop_token& stop = {});

  /// As `run`, but only into the cache: `job.out` and `job.resume` are not looked at. What is in
  /// the cache already is not made again.
  ///   errors  as `run`; kInvalidArgument: without a cache; the cache's own when it cannot be
  ///   written
  Result<EmbedReport> warm(const EmbedJob& job,
                           const std::function<void(const EmbedProgress&)>& progress = {},
                           const std::stop_token& stop = {});

  /// Reads and tokenizes only.
  Result<CountReport> count(const EmbedJob& job, const std::stop_token& stop = {});

  /// What this engine has spent so far, whatever became of its runs.
  [[nodiscard]] SpendReport spent() const;

  /// The `k` rows of an index (what `run` wrote) that are nearest to the text, best first.
  ///   errors  kMismatch when the index is of another space than this engine's documents, or does
  ///           not hold what the mode compares
  Result<std::vector<Hit>> query(std::string_view text, const std::string& index, std::size_t k,
                                 QueryMode mode = QueryMode::kAuto);

  /// The ids of all tokens of a text, as Provider::tokenize.
  Result<std::vector<TokenId>> tokenize(std::string_view text) const;

  /// The same for each record of the job's inputs, in order, over all threads.
  ///   errors  those of reading and of tokenizing, and what `each` returns
  Status tokenize(const EmbedJob& job,
                  const std::function<Status(const Record&, std::span<const TokenId>)>& each);

  /// As Provider::token_text.
  [[nodiscard]] std::string token_text(TokenId id) const;

 private:
  struct State;
  explicit Engine(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// The model that an index was made with, for `ModelOptions::model`, and its other options.
Result<ModelOptions> model_of_index(const std::string& index);

/// `model.dtype`, but for "auto" where the job adds to vectors that are there: their arithmetic.
///   errors  of reading a table
Result<std::string> dtype_for(const EmbedJob& job, const ModelOptions& model);

/// The rows of an index that another model made (FallbackOptions::degraded): `query` leaves them
/// out.
Result<std::uint64_t> degraded_rows(const std::string& index);

}  // namespace vecmill
