#pragma once

#include <utility>

#include "vecmill/base/database.h"

namespace vecmill {

/// What one writer changes, all or nothing: rolled back unless committed.
class Transaction {
 public:
  /// Waits for other writers as the connection does.
  static Result<Transaction> begin(Database& db) {
    VECMILL_TRY(db.run("BEGIN IMMEDIATE"));
    return Transaction(&db);
  }
  Transaction(Transaction&& other) noexcept : db_(std::exchange(other.db_, nullptr)) {}
  Transaction& operator=(Transaction&& other) = delete;
  ~Transaction() {
    if (db_ != nullptr) (void)db_->run("ROLLBACK");
  }
  Status commit() {
    VECMILL_TRY(db_->run("COMMIT"));
    db_ = nullptr;
    return {};
  }

 private:
  explicit Transaction(Database* db) : db_(db) {}
  Database* db_;
};

}  // namespace vecmill
