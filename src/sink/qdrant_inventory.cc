#include <set>
#include <unordered_set>
#include <utility>

#include "vecmill/qdrant/client.h"
#include "vecmill/qdrant/point_id.h"
#include "vecmill/sink/inventory.h"
#include "vecmill/sink/qdrant_collection.h"

namespace vecmill::sink {
namespace {

using qdrant::Client;
using qdrant::Point;

constexpr std::size_t kPage = 1024;

const std::string& id_of(const Point& point) {
  return point.own_id.empty() ? point.id : point.own_id;
}

class QdrantInventory : public Inventory {
 public:
  QdrantInventory(Client client, std::optional<Identity> identity) : client_(std::move(client)) {
    identity_ = std::move(identity);
  }

  [[nodiscard]] bool knows_texts() const override { return true; }

  Status each_row(const EachKnown& each) override {
    std::string from;
    do {
      VECMILL_ASSIGN(qdrant::Page page, client_.list(from, kPage));
      for (const Point& point : page.points) {
        if (!point.record) VECMILL_TRY(each({id_of(point), point.text_hash}));
      }
      from = std::move(page.next);
    } while (!from.empty());
    return {};
  }

  /// None is on record.
  Status each_failed(const EachKnown& /*each*/) override { return {}; }

  /// Points without a stamp are not of Vecmill: they stay.
  Result<std::uint64_t> remove(std::span<const KnownRow> rows) override {
    std::vector<std::string> points;
    std::set<std::string> hashes;
    for (const KnownRow& row : rows) {
      if (row.text_hash.empty()) continue;
      points.push_back(qdrant::point_id(row.id));
      hashes.insert(row.text_hash);
    }
    if (points.empty()) return 0;
    VECMILL_ASSIGN(const std::uint64_t before, count_of(points));
    VECMILL_TRY(client_.remove(points, hashes));
    VECMILL_ASSIGN(const std::uint64_t after, count_of(points));
    return before - std::min(before, after);
  }

 private:
  Result<std::uint64_t> count_of(std::span<const std::string> points) {
    VECMILL_ASSIGN(const auto there, client_.retrieve(points, false));
    return there.size();
  }

  Client client_;
};

}  // namespace

Result<std::unique_ptr<Inventory>> open_qdrant_inventory(const qdrant::Url& url) {
  VECMILL_ASSIGN(Client client, Client::open(url));
  auto identity = read_identity(client);
  if (identity) return std::make_unique<QdrantInventory>(std::move(client), *std::move(identity));
  if (identity.error().kind != ErrorKind::kMismatch) return std::move(identity).error();
  return std::make_unique<QdrantInventory>(std::move(client), std::nullopt);
}

}  // namespace vecmill::sink
