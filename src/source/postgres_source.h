#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "vecmill/postgres/target.h"
#include "vecmill/postgres/url.h"
#include "vecmill/result.h"
#include "vecmill/source.h"

namespace vecmill::source {

/// The rows of a table or view that have a text, in the order of their key, page by page: each page
/// is a statement of its own, so that nothing is open or locked while texts are embedded. An id is
/// the text of the key, or a JSON array of the texts of several.
class PostgresSource : public Source {
 public:
  ///   errors  kNotFound: table or column; kAuth; kInvalidArgument: no text column in the URL;
  ///           kInvalidData: keys that do not tell rows apart
  static Result<std::unique_ptr<PostgresSource>> open(const postgres::Url& url);

  [[nodiscard]] const std::vector<postgres::Column>& keys() const { return keys_; }

  /// Leaves out what the target has: vectors in the same row; rows of the table beside that were
  /// made of the same text in the same space; texts that failed. Of no target, and of one in
  /// another database, nothing is left out.
  void leave_out(const std::optional<postgres::Target>& target);

  /// Ends behind the record of that position, which may be gone by now.
  ///   errors  as seek
  Status until(const std::string& position);

  /// What records have as their text: also its SHA-256 in hex, or nothing.
  enum class Body : std::uint8_t { kText, kHash, kNone };
  void give(Body body) { body_ = body; }

  /// Counts for `total`.
  Status count();

  Result<std::vector<Record>> next(std::size_t count) override;
  [[nodiscard]] std::optional<std::uint64_t> total() const override { return total_; }
  [[nodiscard]] std::string position() const override;
  Status seek(const std::string& position) override;

 private:
  PostgresSource(postgres::Url url, postgres::Connection connection, postgres::Table table,
                 std::vector<postgres::Column> keys);

  /// "FROM ... WHERE ...": what there is to do.
  [[nodiscard]] std::string rows_to_do() const;
  [[nodiscard]] std::string page_statement() const;
  Result<std::optional<std::string>> id_in(const std::string& position) const;
  Status read_page();

  postgres::Url url_;
  postgres::Connection connection_;
  postgres::Table table_;
  std::vector<postgres::Column> keys_;
  std::optional<postgres::Target> done_;  ///< what has vectors already
  std::optional<std::uint64_t> total_;
  std::optional<std::string> after_;    ///< id of the last record returned
  std::optional<std::string> fetched_;  ///< id of the last record of the last page
  std::optional<std::string> until_;    ///< id behind which nothing is returned
  std::vector<Record> page_;
  std::size_t at_ = 0;  ///< in page_
  bool ended_ = false;
  Body body_ = Body::kText;
};

}  // namespace vecmill::source
