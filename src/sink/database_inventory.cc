#include <utility>
#include <vector>

#include "vecmill/base/database.h"
#include "vecmill/base/transaction.h"
#include "vecmill/sink/inventory.h"
#include "vecmill/sink/output_paths.h"
#include "vecmill/sink/scan.h"

namespace vecmill::sink {
namespace {

constexpr std::size_t kPage = 4096;

/// A .db, which others may write into at the same time: no statement stays open over rows.
class DatabaseInventory : public Inventory {
 public:
  DatabaseInventory(std::string out, Identity identity, Database db)
      : out_(std::move(out)), db_(std::move(db)) {
    identity_ = std::move(identity);
  }

  /// In the order of row numbers. A row that is replaced meanwhile gets a new one at the end.
  Status each_row(const EachKnown& each) override {
    VECMILL_ASSIGN(auto load, Statement::prepare(db_,
                                                 "SELECT rowid, id FROM vectors WHERE rowid > ?"
                                                 " ORDER BY rowid LIMIT " +
                                                     std::to_string(kPage)));
    std::vector<KnownRow> page;
    std::uint64_t last = 0;
    do {
      page.clear();
      load.bind(1, last);
      while (true) {
        VECMILL_ASSIGN(const bool more, load.step());
        if (!more) break;
        last = static_cast<std::uint64_t>(load.number(0));
        page.push_back({std::string(load.text(1)), {}});
      }
      load.reset();
      for (const KnownRow& row : page) VECMILL_TRY(each(row));
    } while (page.size() == kPage);
    return {};
  }

  Status each_failed(const EachKnown& each) override {
    return each_failed_line(output_paths(out_).failed, each);
  }

  Result<std::uint64_t> remove(std::span<const KnownRow> rows) override {
    VECMILL_ASSIGN(Database db, Database::open_shared(out_));
    VECMILL_ASSIGN(Transaction transaction, Transaction::begin(db));
    std::uint64_t removed = 0, truncated = 0;
    {
      VECMILL_ASSIGN(auto take, Statement::prepare(
                                    db, "DELETE FROM vectors WHERE id = ? RETURNING truncated"));
      for (const KnownRow& row : rows) {
        VECMILL_ASSIGN(const bool was_there, take.bind(1, row.id).step());
        removed += was_there ? 1 : 0;
        truncated += was_there && take.number(0) > 0 ? 1 : 0;
        take.reset();
      }
      VECMILL_TRY(remove_beside(db, rows));
      VECMILL_TRY(uncount(db, "rows", removed));
      VECMILL_TRY(uncount(db, "truncated", truncated));
    }
    VECMILL_TRY(transaction.commit());
    return removed;
  }

 private:
  /// From the tables of the other outputs.
  Status remove_beside(const Database& db, std::span<const KnownRow> rows) const {
    const Outputs& outputs = identity_->info.outputs;
    for (const auto& [is_there, table] :
         {std::pair{outputs.sparse, "sparse"}, std::pair{outputs.multivector, "multivectors"}}) {
      if (!is_there) continue;
      VECMILL_ASSIGN(auto take,
                     Statement::prepare(db, std::string("DELETE FROM ") + table + " WHERE id = ?"));
      for (const KnownRow& row : rows) VECMILL_TRY(take.bind(1, row.id).execute());
    }
    return {};
  }

  static Status uncount(const Database& db, std::string_view key, std::uint64_t count) {
    VECMILL_ASSIGN(auto change,
                   Statement::prepare(db, "UPDATE meta SET value = value - ? WHERE key = ?"));
    return change.bind(1, count).bind(2, key).execute();
  }

  std::string out_;
  Database db_;
};

}  // namespace

Result<std::unique_ptr<Inventory>> open_database_inventory(const std::string& out) {
  VECMILL_ASSIGN(Meta meta, read_description(out));
  VECMILL_ASSIGN(Database db, Database::open(out, false));
  return std::make_unique<DatabaseInventory>(out, std::move(meta.identity), std::move(db));
}

}  // namespace vecmill::sink
