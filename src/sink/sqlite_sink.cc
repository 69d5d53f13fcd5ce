#include "vecmill/sink/sqlite_sink.h"

#include <optional>
#include <utility>

#include "vecmill/base/check.h"
#include "vecmill/base/database.h"
#include "vecmill/base/failpoint.h"
#include "vecmill/sink/output_paths.h"
#include "vecmill/sink/row_text.h"

namespace vecmill::sink {
namespace {

namespace fs = std::filesystem;

/// Copies what create_tables made, each table in one order.
std::string copy_tables(const Outputs& outputs) {
  std::string sql =
      "INSERT INTO packed.meta SELECT * FROM main.meta ORDER BY rowid;"
      "INSERT INTO packed.vectors SELECT * FROM main.vectors ORDER BY rowid;";
  if (outputs.sparse) {
    sql += "INSERT INTO packed.sparse SELECT * FROM main.sparse ORDER BY id, token;";
  }
  if (outputs.multivector) {
    sql += "INSERT INTO packed.multivectors SELECT * FROM main.multivectors ORDER BY rowid;";
  }
  return sql;
}

/// Only while it runs: the lines of X.failed.jsonl, and the checkpoint of the last commit.
constexpr const char* kWorkTables =
    "CREATE TABLE failed(line TEXT);"
    "CREATE TABLE progress(checkpoint TEXT);";

std::string quoted(const fs::path& path) {
  std::string out = "'";
  for (const char c : path.string()) out += c == '\'' ? std::string("''") : std::string(1, c);
  return out + "'";
}

class SqliteSink : public Sink {
 public:
  SqliteSink(const fs::path& out, Identity identity, FileSystem& files)
      : files_(files),
        out_(out),
        partial_(out.string() + ".partial"),
        packed_(out.string() + ".packed.partial") {
    state_.identity = std::move(identity);
  }

  /// A run that ends before its first commit leaves nothing behind.
  ~SqliteSink() override {
    if (!discard_) return;
    forget_statements();
    db_.reset();
    (void)files_.remove(partial_);
    (void)files_.remove(partial_.string() + "-journal");
  }

  Status open(bool resume, Opened& opened) {
    VECMILL_ASSIGN(lock_, files_.lock(out_.string() + ".lock"));
    VECMILL_ASSIGN(const bool exists, files_.exists(out_));
    if (exists) return open_existing(resume, opened);
    VECMILL_ASSIGN(const bool interrupted, files_.exists(partial_));
    if (interrupted) {
      VECMILL_ASSIGN(const bool started, open_interrupted(resume, opened));
      if (started) return {};
      db_.reset();
      VECMILL_TRY(files_.remove(partial_));
      VECMILL_TRY(files_.remove(partial_.string() + "-journal"));
    }
    return start();
  }

  Status write(std::span<const OutputRow> rows) override {
    for (const OutputRow& row : rows) VECMILL_TRY(row.error ? add_failed(row) : add(row));
    failpoint("sink.write");
    return {};
  }

  Status commit(const std::string& position) override {
    state_.position = position;
    VECMILL_TRY(db_->run("DELETE FROM progress"));
    VECMILL_ASSIGN(auto save, Statement::prepare(*db_, "INSERT INTO progress VALUES(?)"));
    VECMILL_TRY(save.bind(1, to_text(state_)).execute());
    failpoint("sink.commit");
    discard_ = false;
    return db_->run("COMMIT; BEGIN");
  }

  Status finish() override {
    state_.finished = true;
    VECMILL_TRY(commit({}));
    failpoint("sink.finish");
    return publish();
  }

  [[nodiscard]] const Counts& counts() const { return state_.counts; }

 private:
  Status open_existing(bool resume, Opened& opened) {
    VECMILL_ASSIGN(const Meta meta, read_sqlite_meta(out_));
    VECMILL_TRY(check_same(meta.identity, state_.identity, out_.string()));
    state_.counts = meta.counts;
    opened.complete = true;
    if (resume) return files_.remove(partial_);
    return make_error(ErrorKind::kInvalidArgument,
                      "is already complete, with " + std::to_string(meta.counts.rows) + " rows",
                      out_.string(), "choose another output, or remove it first");
  }

  /// False when the run ended before its first commit.
  Result<bool> open_interrupted(bool resume, Opened& opened) {
    VECMILL_TRY(open_database());
    {
      VECMILL_ASSIGN(auto tables, Statement::prepare(*db_, "SELECT 1 FROM sqlite_master"));
      VECMILL_ASSIGN(const bool any, tables.step());
      if (!any) return false;
    }
    {
      VECMILL_ASSIGN(auto load, Statement::prepare(*db_, "SELECT checkpoint FROM progress"));
      VECMILL_ASSIGN(const bool any, load.step());
      if (!any) return false;
      VECMILL_ASSIGN(Checkpoint found,
                     parse_checkpoint(std::string(load.text(0)), partial_.string()));
      VECMILL_TRY(check_same(found.identity, state_.identity, out_.string()));
      found.identity = state_.identity;
      state_ = std::move(found);
    }
    if (!resume) {
      return make_error(
          ErrorKind::kInvalidArgument,
          "an interrupted run is here, " + std::to_string(state_.counts.rows) + " rows are done",
          out_.string(), "go on with --resume, or remove " + partial_.string() + " to start over");
    }
    VECMILL_TRY(db_->run("BEGIN"));
    opened.complete = state_.finished;
    if (state_.finished) {
      VECMILL_TRY(publish());
    } else {
      opened.position = state_.position;
      VECMILL_TRY(prepare());
    }
    return true;
  }

  Status open_database() {
    VECMILL_ASSIGN(Database db, Database::open(partial_, true));
    db_ = std::make_unique<Database>(std::move(db));
    return {};
  }

  Status start() {
    const fs::path failed = output_paths(out_).failed;
    VECMILL_ASSIGN(const bool foreign, files_.exists(failed));
    if (foreign) {
      return make_error(ErrorKind::kInvalidArgument, "exists and is not of a run that can go on",
                        failed.string(), "choose another output, or remove it first");
    }
    discard_ = true;
    VECMILL_TRY(open_database());
    VECMILL_TRY(db_->run("BEGIN;" + create_tables("main", outputs()) + kWorkTables));
    return prepare();
  }

  Status prepare() {
    VECMILL_ASSIGN(
        add_, Statement::prepare(*db_, "INSERT OR REPLACE INTO vectors VALUES(?,?,?,?,?,json(?))"));
    VECMILL_ASSIGN(add_failed_, Statement::prepare(*db_, "INSERT INTO failed VALUES(?)"));
    if (outputs().sparse) {
      VECMILL_ASSIGN(add_weight_,
                     Statement::prepare(*db_, "INSERT OR REPLACE INTO sparse VALUES(?,?,?)"));
    }
    if (outputs().multivector) {
      VECMILL_ASSIGN(
          add_multivector_,
          Statement::prepare(*db_, "INSERT OR REPLACE INTO multivectors VALUES(?,?,?,?,?)"));
    }
    return {};
  }

  void forget_statements() {
    for (auto* statement : {&add_, &add_failed_, &add_weight_, &add_multivector_}) {
      statement->reset();
    }
  }

  [[nodiscard]] const Outputs& outputs() const { return state_.identity.info.outputs; }
  [[nodiscard]] bool half() const { return state_.identity.store == "f16"; }

  /// Everything of one text goes into the same transaction.
  Status add(const OutputRow& row) {
    const SpaceInfo& info = state_.identity.info;
    VECMILL_CHECK(row.vector.size() == (outputs().dense ? info.dims : 0));
    VECMILL_CHECK(row.degraded.empty());  // there is no place for the mark
    ++state_.counts.rows;
    if (row.truncated_tokens > 0) ++state_.counts.truncated;
    add_->bind(1, row.id);
    if (outputs().dense) {  // else the column is null
      buffer_.clear();
      append_vector_bytes(buffer_, row.vector, half());
      add_->bind_blob(2, buffer_);
    }
    VECMILL_TRY(add_->bind(3, std::uint64_t{info.dims})
                    .bind(4, state_.identity.store)
                    .bind(5, std::uint64_t{row.truncated_tokens > 0})
                    .bind(6, row.metadata.empty() ? "{}" : row.metadata)
                    .execute());
    for (const auto& [token, weight] : row.sparse) {
      VECMILL_TRY(add_weight_->bind(1, row.id)
                      .bind(2, static_cast<std::uint64_t>(token))
                      .bind_real(3, double{stored(weight, half())})
                      .execute());
    }
    return outputs().multivector ? add_multivector(row) : Status();
  }

  Status add_multivector(const OutputRow& row) {
    const std::uint64_t dims = state_.identity.info.multivector_dims;
    buffer_.clear();
    append_vector_bytes(buffer_, row.multivector, half());
    return add_multivector_->bind(1, row.id)
        .bind_blob(2, buffer_)
        .bind(3, row.multivector.size() / dims)
        .bind(4, dims)
        .bind(5, state_.identity.store)
        .execute();
  }

  Status add_failed(const OutputRow& row) {
    buffer_.clear();
    append_failed_line(buffer_, row);
    ++state_.counts.failed;
    return add_failed_->bind(1, buffer_).execute();
  }

  /// Packs the working database into one whose bytes depend on its content only, and gives it and
  /// the list of failed texts their names. Begins anywhere; the output has its name last, because
  /// it then counts as whole.
  Status publish() {
    VECMILL_TRY(write_meta());
    VECMILL_TRY(write_failed());
    forget_statements();
    VECMILL_TRY(pack());
    db_.reset();
    failpoint("sink.publish");
    VECMILL_TRY(files_.rename(packed_, out_));
    VECMILL_TRY(files_.sync_dir(folder_of(out_)));
    return files_.remove(partial_);
  }

  Status pack() {
    VECMILL_TRY(files_.remove(packed_));
    VECMILL_TRY(db_->run("ATTACH " + quoted(packed_) +
                         " AS packed;"
                         "PRAGMA packed.journal_mode=OFF; PRAGMA packed.synchronous=OFF; BEGIN;" +
                         create_tables("packed", outputs()) + copy_tables(outputs()) +
                         "COMMIT; DETACH packed"));
    return sync_packed();
  }

  Status write_meta() {
    VECMILL_TRY(db_->run("DELETE FROM meta"));
    {
      VECMILL_ASSIGN(auto save, Statement::prepare(
                                    *db_, "INSERT INTO meta SELECT key, value FROM json_each(?)"));
      VECMILL_TRY(save.bind(1, meta_text(state_.identity, state_.counts)).execute());
    }
    return db_->run("COMMIT");
  }

  Status write_failed() {
    const fs::path path = output_paths(out_).failed;
    const fs::path partial = path.string() + ".partial";
    VECMILL_ASSIGN(auto file, files_.create(partial));
    VECMILL_ASSIGN(auto load, Statement::prepare(*db_, "SELECT line FROM failed ORDER BY rowid"));
    while (true) {
      VECMILL_ASSIGN(const bool more, load.step());
      if (!more) break;
      VECMILL_TRY(file->append(load.text(0)));
    }
    VECMILL_TRY(file->sync());
    VECMILL_TRY(files_.rename(partial, path));
    return files_.sync_dir(folder_of(path));
  }

  /// Once, instead of at every step of the copy.
  Status sync_packed() {
    std::error_code code;
    const std::uintmax_t size = fs::file_size(packed_, code);
    if (code) return make_error(ErrorKind::kIo, "cannot read: " + code.message(), packed_.string());
    VECMILL_ASSIGN(auto packed, files_.reopen(packed_, size));
    return packed->sync();
  }

  FileSystem& files_;
  fs::path out_;
  fs::path partial_;
  fs::path packed_;
  Checkpoint state_;
  std::unique_ptr<FileLock> lock_;
  std::unique_ptr<Database> db_;  // before the statements: they go first
  std::optional<Statement> add_;
  std::optional<Statement> add_failed_;
  std::optional<Statement> add_weight_;       ///< where there are sparse vectors
  std::optional<Statement> add_multivector_;  ///< where there are those
  std::string buffer_;
  bool discard_ = false;  ///< what is on disk is of this run, and nothing of it is committed
};

}  // namespace

Result<Opened> open_sqlite_sink(const fs::path& out, const Identity& identity,
                                const SinkOptions& options) {
  FileSystem& files = options.files != nullptr ? *options.files : real_files();
  auto sink = std::make_unique<SqliteSink>(out, identity, files);
  Opened opened;
  VECMILL_TRY(sink->open(options.resume, opened));
  opened.rows_done = sink->counts().rows;
  opened.rows_failed = sink->counts().failed;
  if (!opened.complete) opened.sink = std::move(sink);
  return opened;
}

std::string create_tables(const std::string& in, const Outputs& outputs) {
  std::string sql = "CREATE TABLE " + in +
                    ".vectors(id TEXT PRIMARY KEY, vector BLOB, dims INTEGER, dtype TEXT,"
                    " truncated INTEGER, metadata JSON);"
                    "CREATE TABLE " +
                    in + ".meta(key TEXT PRIMARY KEY, value TEXT);";
  if (outputs.sparse) {
    sql += "CREATE TABLE " + in +
           ".sparse(id TEXT, token INTEGER, weight REAL, PRIMARY KEY(id, token)) WITHOUT ROWID;";
  }
  if (outputs.multivector) {
    sql += "CREATE TABLE " + in +
           ".multivectors(id TEXT PRIMARY KEY, vectors BLOB, count INTEGER, dims INTEGER,"
           " dtype TEXT);";
  }
  return sql;
}

Result<Meta> read_sqlite_meta(const fs::path& path) {
  VECMILL_ASSIGN(const Database db, Database::open(path, false));
  VECMILL_ASSIGN(auto load,
                 Statement::prepare(db,
                                    "SELECT json_group_object(key, CASE WHEN key IN"
                                    " ('format','dims','max_tokens','multivector_dims','rows',"
                                    "'failed','truncated')"
                                    " THEN CAST(value AS INTEGER) ELSE value END)"
                                    " FROM meta"));
  VECMILL_TRY(load.step());
  return parse_meta(std::string(load.text(0)), path.string());
}

}  // namespace vecmill::sink
