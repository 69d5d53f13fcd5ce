#include "vecmill/sink/qdrant_sink.h"

#include <atomic>
#include <memory>
#include <unordered_set>
#include <utility>

#include "vecmill/base/failpoint.h"
#include "vecmill/base/hash.h"
#include "vecmill/qdrant/client.h"
#include "vecmill/qdrant/point_id.h"
#include "vecmill/sink/failed_names.h"
#include "vecmill/sink/qdrant_collection.h"
#include "vecmill/sink/qdrant_point.h"

namespace vecmill::sink {
namespace {

using qdrant::Client;

constexpr std::size_t kBatchPoints = 256;
constexpr std::size_t kBatchBytes = 4 << 20;  // a server takes 32 MB, a proxy before it often less
constexpr std::size_t kAskedPoints = 1024;

using Count = std::shared_ptr<std::atomic<std::uint64_t>>;

/// Rows to read back at the end, spread evenly over all that were written.
class Sample {
 public:
  void offer(const OutputRow& row) {
    if (seen_++ % stride_ != 0) return;
    rows_.push_back(row);
    if (rows_.size() < 2 * kRows) return;
    for (std::size_t i = 1; i < kRows; ++i) rows_[i] = std::move(rows_[2 * i]);
    rows_.resize(kRows);
    stride_ *= 2;
  }

  [[nodiscard]] const std::vector<OutputRow>& rows() const { return rows_; }

 private:
  static constexpr std::size_t kRows = 8;
  std::vector<OutputRow> rows_;
  std::uint64_t seen_ = 0, stride_ = 1;
};

class QdrantSink : public Sink {
 public:
  QdrantSink(Client client, QdrantTarget target, Identity identity, Count found)
      : client_(std::move(client)),
        target_(std::move(target)),
        identity_(std::move(identity)),
        found_(std::move(found)) {}

  /// A run that ends early leaves no collection that is never indexed; one that is killed leaves it
  /// to the next.
  ~QdrantSink() override {
    if (is_bulk(target_) && !lost_) (void)end_bulk(client_, target_);
  }

  Status write(std::span<const OutputRow> rows) override {
    std::vector<std::string> points;
    std::size_t bytes = 0;
    for (const OutputRow& row : rows) {
      if (row.error) {
        failed_.add(row);
        continue;
      }
      VECMILL_ASSIGN(std::string point, point_of(row, identity_, client_.url()));
      if (points.size() == kBatchPoints || (bytes + point.size() > kBatchBytes && bytes > 0)) {
        VECMILL_TRY(write_batch(points));
        points.clear();
        bytes = 0;
      }
      bytes += point.size();
      points.push_back(std::move(point));
      sample_.offer(row);
      ++written_;
    }
    return points.empty() ? Status() : write_batch(points);
  }

  /// What is done is known by the points themselves.
  Status commit(const std::string& /*position*/) override { return {}; }

  Status finish() override {
    failpoint("qdrant.finish");
    return noted(check_and_end());
  }

  [[nodiscard]] bool wants_text_hash() const override { return true; }

  [[nodiscard]] std::vector<std::string> notes() const override {
    if (failed_.count() == 0) return {};
    return {"no point for " + failed_.text() + "; embed with --resume tries these texts again"};
  }

 private:
  Status write_batch(std::span<const std::string> points) {
    failpoint("qdrant.write");
    Status written = write_points(points);
    failpoint("qdrant.written");
    return noted(std::move(written));
  }

  Status check_and_end() {
    VECMILL_TRY(check_count());
    VECMILL_TRY(check_sample());
    return is_bulk(target_) ? end_bulk(client_, target_) : Status();
  }

  Status noted(Status status) {
    lost_ = !status && status.error().kind == ErrorKind::kUnavailable;
    return status;
  }

  /// What is too much, or has one point that the server refuses, goes in halves.
  Status write_points(std::span<const std::string> points) {
    Status written = client_.write(points);
    if (written) return {};
    const ErrorKind kind = written.error().kind;
    if (kind != ErrorKind::kTooLong && kind != ErrorKind::kInvalidData) return written;
    if (points.size() > 1) {
      VECMILL_TRY(write_points(points.first(points.size() / 2)));
      return write_points(points.subspan(points.size() / 2));
    }
    return refused(std::move(written).error(), points[0]);
  }

  [[nodiscard]] Status refused(Error error, const std::string& point) const {
    const auto id = point.substr(0, point.find(','));
    error.message += "; it is about the point " + id.substr(id.find(':') + 1);
    if (error.kind == ErrorKind::kInvalidData) {
      error.hint = "does its metadata hold a lone surrogate, or a number beyond all bounds?";
    }
    return error;
  }

  Status check_count() {
    VECMILL_ASSIGN(const std::uint64_t points, client_.count());
    const std::uint64_t there = points - (target_.in_metadata ? 0 : 1);
    const std::uint64_t expected = written_ + *found_;
    if (there >= expected) return {};
    return make_error(ErrorKind::kIo,
                      "has " + std::to_string(there) + " points, and " + std::to_string(expected) +
                          " were written: the server lost some",
                      client_.url().shown, "go on with --resume: it writes those that are missing");
  }

  Status check_sample() {
    for (const OutputRow& row : sample_.rows()) {
      const std::string id = qdrant::point_id(row.id);
      VECMILL_ASSIGN(const auto points, client_.retrieve(std::span(&id, 1), true));
      if (points.size() == 1 && is_written(row, points[0], identity_, client_.url())) continue;
      return make_error(ErrorKind::kIo, "the point of \"" + row.id + "\" is not what was written",
                        client_.url().shown, "does something else write there?");
    }
    return {};
  }

  Client client_;
  QdrantTarget target_;
  Identity identity_;
  Count found_;  ///< points that were there already
  Sample sample_;
  std::uint64_t written_ = 0;
  FailedNames failed_;
  bool lost_ = false;  ///< the server does not answer any more
};

Result<std::vector<bool>> find_points(Client& client, std::span<const Record> records,
                                      std::atomic<std::uint64_t>& found) {
  std::vector<std::string> ids;
  for (const Record& record : records) ids.push_back(qdrant::point_id(record.id));
  std::unordered_set<std::string> there;  // id and hash of the text
  for (std::size_t from = 0; from < ids.size(); from += kAskedPoints) {
    const auto some =
        std::span<const std::string>(ids).subspan(from, std::min(kAskedPoints, ids.size() - from));
    VECMILL_ASSIGN(const auto points, client.retrieve(some, false));
    for (const qdrant::Point& point : points) there.insert(point.own_id + '\0' + point.text_hash);
  }
  std::vector<bool> done;
  for (const Record& record : records) {
    done.push_back(there.contains(record.id + '\0' + sha256_hex(record.text)));
    if (done.back()) ++found;
  }
  return done;
}

}  // namespace

Result<QdrantOpened> open_qdrant_sink(const qdrant::Url& url, const Identity& identity,
                                      const QdrantSinkOptions& options) {
  VECMILL_ASSIGN(Client client, Client::open(url));
  VECMILL_ASSIGN(QdrantTarget target, prepare_collection(client, identity, options.create));
  auto found = std::make_shared<std::atomic<std::uint64_t>>(0);
  QdrantOpened out;
  out.opened.sink =
      std::make_unique<QdrantSink>(std::move(client), std::move(target), identity, found);
  if (!options.resume) return out;
  VECMILL_ASSIGN(Client own, Client::open(url));
  out.find_done = [asks = std::make_shared<Client>(std::move(own)),
                   found](std::span<const Record> records) {
    return find_points(*asks, records, *found);
  };
  return out;
}

}  // namespace vecmill::sink
