#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "vecmill/qdrant/client.h"
#include "vecmill/result.h"
#include "vecmill/source.h"

namespace vecmill::source {

/// The points of a collection that have a text in their payload, in the order of their ids, page by
/// page. An id is the one that Vecmill wrote, else the point's; what else the payload holds is the
/// metadata.
class QdrantSource : public Source {
 public:
  /// `text_field` counts where the URL names none; both empty: found in the first point.
  ///   errors  kNotFound: no collection; kInvalidData: no field of texts; those of Client
  static Result<std::unique_ptr<QdrantSource>> open(const qdrant::Url& url,
                                                    const std::string& text_field);

  ///   errors  also kInvalidData: a text that is no string
  Result<std::vector<Record>> next(std::size_t count) override;
  [[nodiscard]] std::optional<std::uint64_t> total() const override { return total_; }
  [[nodiscard]] std::string position() const override;
  Status seek(const std::string& position) override;

 private:
  QdrantSource(qdrant::Client client, std::string text_field, std::uint64_t total);

  Status read_page();
  Status take(const qdrant::Point& point);
  [[nodiscard]] Error no_text() const;

  qdrant::Client client_;
  std::string text_field_;
  std::uint64_t total_;  ///< points, with or without a text
  struct Row {
    Record record;
    std::string point;
  };
  std::vector<Row> page_;
  std::size_t at_ = 0;  ///< in page_
  std::string next_;    ///< id that the next page begins with
  std::string resume_;  ///< id of the last record before the place that was sought
  std::string last_;    ///< of the last record returned
  std::size_t limit_ = 16;
  bool ended_ = false;
};

}  // namespace vecmill::source
