#pragma once

#include <cstdint>

#include "vecmill/base/database.h"
#include "vecmill/cache/level_counts.h"
#include "vecmill/cache/row.h"

namespace vecmill::cache {

/// A connection to the file of a cache that reads; its statements are made once.
struct Reader {
  Reader(Database connection, RowCodec rows);
  Status open();

  Database db;
  RowCodec codec;
  Statement begin;
  Statement end;
  Statement select;  ///< id → made, used, row
  Statement walk;    ///< id, n → n times id, made, row from this id on
};

/// The one connection that writes.
class Writer {
 public:
  Writer(Database connection, RowCodec rows);
  Status open();

  [[nodiscard]] Result<std::uint64_t> count_rows() { return number(rows_); }
  /// Bytes of the pages in use.
  [[nodiscard]] Result<std::uint64_t> live_bytes();
  /// Rows that the last statement inserted, changed or deleted.
  [[nodiscard]] Result<std::uint64_t> count_changes() { return number(changes_); }
  /// What was looked up on that day and later.
  [[nodiscard]] Result<Lookups> lookups(std::int64_t since);

  Database db;
  RowCodec codec;
  Statement put;     ///< id, made, used, row, until
  Statement use;     ///< id, used
  Statement drop;    ///< id
  Statement evict;   ///< n
  Statement forget;  ///< made, n: rows of that age
  Statement expire;  ///< until, n: rows that were good until then
  Statement note;    ///< day, found, missed

 private:
  static Result<std::uint64_t> number(Statement& statement);

  Statement changes_;
  Statement pages_;
  Statement free_pages_;
  Statement rows_;
  Statement lookups_;
};

}  // namespace vecmill::cache
