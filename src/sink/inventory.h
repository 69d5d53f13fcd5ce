#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "vecmill/postgres/url.h"
#include "vecmill/qdrant/url.h"
#include "vecmill/result.h"
#include "vecmill/sink/checkpoint.h"

namespace vecmill::sink {

/// A row of an output, or a text that failed.
struct KnownRow {
  std::string id;
  std::string text_hash;  ///< SHA-256 in hex of the text it was made of; empty: not known
};
using EachKnown = std::function<Status(const KnownRow&)>;

/// What an output holds, by ids, for a comparison with its source. Nothing is made, locked or put
/// on record by looking. For one thread; rows that are written meanwhile may be seen or not.
class Inventory {
 public:
  virtual ~Inventory() = default;

  /// What the vectors are; nothing: that is not on record.
  [[nodiscard]] const std::optional<Identity>& identity() const { return identity_; }
  /// Whether its rows, and the texts that failed, say of which text they are.
  [[nodiscard]] virtual bool knows_texts() const { return false; }
  [[nodiscard]] virtual bool knows_failed_texts() const { return false; }
  /// Columns that an id is made of.
  [[nodiscard]] virtual std::size_t id_columns() const { return 1; }
  /// Whether a single row can be written or removed.
  [[nodiscard]] virtual bool takes_single_rows() const { return true; }

  /// Calls `each` for every row that has a vector, in constant memory. `each` may remove rows.
  ///   errors  those of reading, and of `each`
  virtual Status each_row(const EachKnown& each) = 0;
  /// The same for texts that are on record as failed.
  virtual Status each_failed(const EachKnown& each) = 0;

  /// Removes those of the rows that are still there and of the same text, all or nothing. Gives how
  /// many that were.
  virtual Result<std::uint64_t> remove(std::span<const KnownRow> rows) = 0;

 protected:
  std::optional<Identity> identity_;
};

/// Of a file that `open` wrote (.npy, .jsonl, .db), a table, or a collection.
///   errors  kNotFound: no such output, or one that is not finished; kInvalidArgument: it is none;
///           kInvalidData: damaged, or rows without ids; those of the servers
Result<std::unique_ptr<Inventory>> open_inventory(const std::string& out);

// By kind; the caller gives what fits.
Result<std::unique_ptr<Inventory>> open_database_inventory(const std::string& out);
Result<std::unique_ptr<Inventory>> open_postgres_inventory(const postgres::Url& url);
Result<std::unique_ptr<Inventory>> open_qdrant_inventory(const qdrant::Url& url);

/// The ids of X.failed.jsonl, where it is there.
///   errors  kIo; kInvalidData naming the line; those of `each`
Status each_failed_line(const std::string& failed, const EachKnown& each);

}  // namespace vecmill::sink
