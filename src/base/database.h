#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "vecmill/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace vecmill {

/// One SQLite connection; errors carry its path. Used by one thread.
class Database {
 public:
  /// `write`: created if missing, every commit durable when it returns. Who reads waits for who
  /// writes, ten seconds at most.
  static Result<Database> open(const std::filesystem::path& path, bool write);

  /// For writers and readers at once, here or in other processes: a write-ahead log, every commit
  /// durable when it returns; waits up to ten seconds for another's commit. A new file gets pages
  /// of `page_bytes`.
  static Result<Database> open_shared(const std::filesystem::path& path,
                                      std::uint32_t page_bytes = 4096);

  Status run(const std::string& sql);
  /// Known after the first statement; the header of a file may say so, too.
  [[nodiscard]] bool is_read_only() const;
  [[nodiscard]] Error error(int code) const;
  /// Of the row that the last INSERT of this connection made, and how many the last change met.
  [[nodiscard]] std::uint64_t last_id() const;
  [[nodiscard]] std::uint64_t changes() const;
  [[nodiscard]] const std::string& path() const { return path_; }

  struct Close {
    void operator()(sqlite3* db) const;
  };
  [[nodiscard]] sqlite3* get() const { return db_.get(); }

 private:
  std::unique_ptr<sqlite3, Close> db_;
  std::string path_;
};

/// One prepared statement; parameters and columns count from 1 and 0 as in SQLite.
class Statement {
 public:
  static Result<Statement> prepare(const Database& db, std::string_view sql);

  Statement& bind(int at, std::string_view text);
  Statement& bind(int at, std::uint64_t number);
  Statement& bind_real(int at, double number);
  Statement& bind_blob(int at, std::string_view bytes);

  /// True while there is a row.
  Result<bool> step();
  /// For statements without rows; ready for the next parameters afterwards.
  Status execute();
  /// Ready for the next parameters, whatever rows are left.
  void reset();

  [[nodiscard]] std::string_view text(int column) const;
  [[nodiscard]] std::string_view blob(int column) const;
  [[nodiscard]] std::int64_t number(int column) const;
  [[nodiscard]] double real(int column) const;
  [[nodiscard]] bool is_null(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  const Database* db_ = nullptr;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

}  // namespace vecmill
