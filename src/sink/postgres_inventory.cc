#include <utility>

#include "vecmill/postgres/connection.h"
#include "vecmill/sink/inventory.h"
#include "vecmill/sink/postgres_target.h"

namespace vecmill::sink {
namespace {

using postgres::ArrayBuilder;
using postgres::Connection;
using postgres::Param;
using postgres::Rows;
using postgres::sql_name;
using postgres::Target;

constexpr std::size_t kPage = 8192;

bool has_column(const Target& target, const char* name, std::string_view type) {
  const postgres::Column* column = target.table.find(name);
  return column != nullptr && column->type_name == type;
}

class PostgresInventory : public Inventory {
 public:
  PostgresInventory(Connection connection, FoundTarget found)
      : connection_(std::move(connection)),
        target_(std::move(found.target)),
        has_failures_(found.has_failures) {
    if (found.space) {
      const bool half = target_.vector.type_name == "halfvec";
      identity_ = Identity{*std::move(found.space), half ? "f16" : "f32"};
    }
  }

  [[nodiscard]] bool knows_texts() const override {
    return !target_.same_row() && has_column(target_, "text_hash", "bytea");
  }
  [[nodiscard]] bool knows_failed_texts() const override { return true; }
  [[nodiscard]] std::size_t id_columns() const override { return target_.keys.size(); }

  /// In the order of the key, each page a statement of its own.
  Status each_row(const EachKnown& each) override {
    const std::string keys = postgres::key_list(target_.keys, "t.");
    const std::string rows = "SELECT " + postgres::id_expression(target_.keys, "t.") + ", " +
                             hash_of_row() + " FROM " + target_.table.sql() + " t WHERE " +
                             target_.has_vectors("t.");
    const std::string behind =
        " AND (" + keys + ") > (" + postgres::keys_of_id(target_.keys, "$1") + ")";
    return in_pages({rows, behind, keys}, each);
  }

  Status each_failed(const EachKnown& each) override {
    if (!has_failures_ || !identity_) return {};
    return in_pages({"SELECT f.key, coalesce(encode(f.text_hash, 'hex'), '') FROM " +
                         target_.ours(postgres::kFailures) +
                         " f WHERE f.space = " + std::to_string(target_.space),
                     " AND f.key > $1", "f.key"},
                    each);
  }

  /// In the same row only the vector goes: the row is the user's.
  Result<std::uint64_t> remove(std::span<const KnownRow> rows) override {
    ArrayBuilder ids(postgres::kText), hashes(postgres::kText);
    for (const KnownRow& row : rows) {
      ids.add(row.id);
      hashes.add(row.text_hash);
    }
    std::vector<Param> params;
    params.push_back({postgres::kTextArray, std::move(ids).take()});
    params.push_back({postgres::kTextArray, std::move(hashes).take()});
    VECMILL_ASSIGN(const Rows removed, connection_.run(remove_statement(), params));
    return removed.affected();
  }

 private:
  struct Pages {
    std::string rows;    ///< a SELECT of id and hash
    std::string behind;  ///< what more it asks for behind the id $1
    std::string order;
  };

  Status in_pages(const Pages& pages, const EachKnown& each) {
    std::optional<std::string> last;
    for (;;) {
      std::vector<Param> params;
      if (last) params.push_back({postgres::kText, *last});
      VECMILL_ASSIGN(const Rows page,
                     connection_.run(pages.rows + (last ? pages.behind : "") + " ORDER BY " +
                                         pages.order + " LIMIT " + std::to_string(kPage),
                                     params));
      if (page.empty()) return {};
      for (std::size_t i = 0; i < page.size(); ++i) {
        VECMILL_TRY(each({std::string(page.at(i, 0)), std::string(page.at(i, 1))}));
      }
      last = page.at(page.size() - 1, 0);
    }
  }

  /// Vectors of another space are of no text.
  [[nodiscard]] std::string hash_of_row() const {
    if (!knows_texts()) return "''";
    std::string hash = "coalesce(encode(t.text_hash, 'hex'), '')";
    if (!identity_ || !has_column(target_, "space", "int4")) return hash;
    return "CASE WHEN t.space = " + std::to_string(target_.space) + " THEN " + hash +
           " ELSE '' END";
  }

  [[nodiscard]] std::string remove_statement() const {
    std::string columns;
    for (const postgres::Column& key : target_.keys) columns += sql_name(key.name) + ", ";
    const std::string gone = "(SELECT " + postgres::keys_of_id(target_.keys, "u.id") +
                             ", u.h FROM unnest($1, $2) AS u(id, h)) AS v(" + columns +
                             "vecmill_hash) WHERE " + postgres::key_match(target_.keys, "t.", "v.");
    if (target_.same_row()) {
      const std::string vector = sql_name(target_.vector.name);
      return "UPDATE " + target_.table.sql() + " AS t SET " + vector + " = NULL FROM " + gone +
             " AND t." + vector + " IS NOT NULL";
    }
    std::string sql = "DELETE FROM " + target_.table.sql() + " AS t USING " + gone;
    if (knows_texts()) {
      sql += " AND (v.vecmill_hash = '' OR encode(t.text_hash, 'hex') = v.vecmill_hash)";
    }
    return sql;
  }

  Connection connection_;
  Target target_;
  bool has_failures_;
};

}  // namespace

Result<std::unique_ptr<Inventory>> open_postgres_inventory(const postgres::Url& url) {
  if (!url.where.empty()) {
    return make_error(ErrorKind::kInvalidArgument, "where= chooses rows of a source, not of a sink",
                      url.shown, "give it with the source");
  }
  VECMILL_ASSIGN(Connection connection, Connection::open(url));
  VECMILL_ASSIGN(FoundTarget found, find_target(connection, url));
  return std::make_unique<PostgresInventory>(std::move(connection), std::move(found));
}

}  // namespace vecmill::sink
