#include <cstring>
#include <filesystem>
#include <optional>
#include <utility>

#include "vecmill/base/database.h"
#include "vecmill/base/half.h"
#include "vecmill/sink/npy.h"
#include "vecmill/sink/scan.h"

namespace vecmill::sink {
namespace {

void read_blob(std::string_view blob, bool half, std::vector<float>& out) {
  const std::size_t item = half ? 2 : 4;
  out.resize(blob.size() / item);
  if (out.empty()) return;  // memcpy must not be given nothing
  if (!half) {
    std::memcpy(out.data(), blob.data(), out.size() * item);
    return;
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    std::uint16_t bits = 0;
    std::memcpy(&bits, blob.data() + i * item, item);
    out[i] = from_half(bits);
  }
}

/// The weights of all rows, one row after the other, in the order of the vectors.
class WeightCursor {
 public:
  Status open(const Database& db) {
    VECMILL_ASSIGN(weights_, Statement::prepare(
                                 db,
                                 "SELECT v.rowid, s.token, s.weight FROM vectors v"
                                 " CROSS JOIN sparse s ON s.id = v.id ORDER BY v.rowid, s.token"));
    return next();
  }

  /// Those of one row; rows are asked for in ascending order.
  Status read(std::int64_t row, SparseVector& out) {
    while (more_ && weights_->number(0) == row) {
      out.push_back(
          {static_cast<TokenId>(weights_->number(1)), static_cast<float>(weights_->real(2))});
      VECMILL_TRY(next());
    }
    return {};
  }

 private:
  Status next() {
    VECMILL_ASSIGN(more_, weights_->step());
    return {};
  }

  std::optional<Statement> weights_;
  bool more_ = false;
};

std::string query_for(const Outputs& wanted) {
  std::string sql = "SELECT v.rowid, v.id";
  sql += wanted.dense ? ", v.vector" : ", NULL";
  sql += wanted.multivector ? ", m.vectors FROM vectors v LEFT JOIN multivectors m ON m.id = v.id"
                            : ", NULL FROM vectors v";
  return sql + " ORDER BY v.rowid";
}

}  // namespace

Status scan_database(const std::string& path, const Meta& meta, const Outputs& wanted,
                     const EachRow& each) {
  const SpaceInfo& info = meta.identity.info;
  const bool half = meta.identity.store == "f16";
  const std::size_t item = half ? 2 : 4;
  VECMILL_ASSIGN(const Database db, Database::open(path, false));
  VECMILL_ASSIGN(auto load, Statement::prepare(db, query_for(wanted)));
  WeightCursor weights;
  if (wanted.sparse) VECMILL_TRY(weights.open(db));
  std::uint64_t rows = 0;
  while (true) {
    VECMILL_ASSIGN(const bool more, load.step());
    if (!more) break;
    ScannedRow row;
    row.id = load.text(1);
    const bool dense_fits = !wanted.dense || load.blob(2).size() == info.dims * item;
    const bool multi_fits =
        !wanted.multivector || load.blob(3).size() % (info.multivector_dims * item) == 0;
    if (!dense_fits || !multi_fits) {
      return make_error(ErrorKind::kInvalidData,
                        "the vector of id \"" + row.id + "\" has another length", path);
    }
    if (wanted.dense) read_blob(load.blob(2), half, row.vector);
    if (wanted.sparse) VECMILL_TRY(weights.read(load.number(0), row.sparse));
    if (wanted.multivector) read_blob(load.blob(3), half, row.multivector);
    VECMILL_TRY(each(row));
    ++rows;
  }
  return check_count(rows, meta.counts.rows, path);
}

}  // namespace vecmill::sink
