#include "vecmill/sink/shared_sqlite_sink.h"

#include <string>
#include <utility>

#include "vecmill/base/check.h"
#include "vecmill/base/database.h"
#include "vecmill/base/failpoint.h"
#include "vecmill/base/transaction.h"
#include "vecmill/sink/failed_names.h"
#include "vecmill/sink/row_text.h"
#include "vecmill/sink/sqlite_sink.h"

namespace vecmill::sink {
namespace {

namespace fs = std::filesystem;

class SharedSqliteSink : public Sink {
 public:
  explicit SharedSqliteSink(Identity identity) : identity_(std::move(identity)) {}

  Status open(const fs::path& out) {
    VECMILL_ASSIGN(db_, Database::open_shared(out));
    VECMILL_TRY(make_tables());
    VECMILL_ASSIGN(const Meta meta, read_sqlite_meta(out));
    VECMILL_TRY(check_same(meta.identity, identity_, out.string()));
    VECMILL_ASSIGN(is_there_, Statement::prepare(db_, "SELECT 1 FROM vectors WHERE id=?"));
    VECMILL_ASSIGN(
        add_, Statement::prepare(db_, "INSERT OR REPLACE INTO vectors VALUES(?,?,?,?,?,json(?))"));
    VECMILL_ASSIGN(count_, Statement::prepare(db_, "UPDATE meta SET value=value+? WHERE key=?"));
    return {};
  }

  Status write(std::span<const OutputRow> rows) override {
    VECMILL_ASSIGN(Transaction transaction, Transaction::begin(db_));
    std::uint64_t added = 0, truncated = 0;
    for (const OutputRow& row : rows) {
      if (row.error) {
        failed_.add(row);
        continue;
      }
      VECMILL_ASSIGN(const bool is_new, add(row));
      added += is_new ? 1 : 0;
      truncated += is_new && row.truncated_tokens > 0 ? 1 : 0;
    }
    VECMILL_TRY(count_.bind(1, added).bind(2, "rows").execute());
    VECMILL_TRY(count_.bind(1, truncated).bind(2, "truncated").execute());
    failpoint("sink.shared");
    return transaction.commit();
  }

  Status commit(const std::string& /*position*/) override { return {}; }
  Status finish() override { return {}; }

  [[nodiscard]] std::vector<std::string> notes() const override {
    if (failed_.count() == 0) return {};
    return {"no row for " + failed_.text()};
  }

 private:
  Status make_tables() {
    VECMILL_ASSIGN(Transaction transaction, Transaction::begin(db_));
    {
      VECMILL_ASSIGN(auto tables, Statement::prepare(db_, "SELECT 1 FROM sqlite_master"));
      VECMILL_ASSIGN(const bool any, tables.step());
      if (any) return {};
    }
    VECMILL_TRY(db_.run(create_tables("main", identity_.info.outputs)));
    {
      VECMILL_ASSIGN(auto save, Statement::prepare(
                                    db_, "INSERT INTO meta SELECT key, value FROM json_each(?)"));
      VECMILL_TRY(save.bind(1, meta_text(identity_, {})).execute());
    }
    return transaction.commit();
  }

  /// Whether it was not there.
  Result<bool> add(const OutputRow& row) {
    VECMILL_CHECK(row.vector.size() == identity_.info.dims);
    is_there_.bind(1, row.id);
    VECMILL_ASSIGN(const bool is_there, is_there_.step());
    is_there_.reset();
    buffer_.clear();
    append_vector_bytes(buffer_, row.vector, identity_.store == "f16");
    VECMILL_TRY(add_.bind(1, row.id)
                    .bind_blob(2, buffer_)
                    .bind(3, std::uint64_t{identity_.info.dims})
                    .bind(4, identity_.store)
                    .bind(5, std::uint64_t{row.truncated_tokens > 0})
                    .bind(6, row.metadata.empty() ? "{}" : row.metadata)
                    .execute());
    return !is_there;
  }

  Identity identity_;
  Database db_;  // before the statements: they go first
  Statement is_there_, add_, count_;
  std::string buffer_;
  FailedNames failed_;
};

}  // namespace

Result<std::unique_ptr<Sink>> open_shared_sqlite_sink(const fs::path& out,
                                                      const Identity& identity) {
  if (!identity.info.outputs.only_dense()) {
    return make_error(ErrorKind::kInvalidArgument,
                      "several writers write dense vectors only, " + name(identity.info.outputs) +
                          " was asked for",
                      out.string(), "use `vecmill embed`");
  }
  const fs::path partial = out.string() + ".partial";
  VECMILL_ASSIGN(const bool interrupted, real_files().exists(partial));
  if (interrupted) {
    return make_error(ErrorKind::kInvalidArgument, "an interrupted run of `vecmill embed` is here",
                      out.string(), "finish it with --resume, or remove " + partial.string());
  }
  auto sink = std::make_unique<SharedSqliteSink>(identity);
  VECMILL_TRY(sink->open(out));
  return std::unique_ptr<Sink>(std::move(sink));
}

}  // namespace vecmill::sink
