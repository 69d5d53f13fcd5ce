#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "vecmill/base/json_text.h"
#include "vecmill/source/csv_row.h"
#include "vecmill/source/record_reader.h"

namespace vecmill::source {
namespace {

class CsvRecords : public RecordReader {
 public:
  CsvRecords(LineReader lines, Fields named, char separator, std::uint64_t limit)
      : lines_(std::move(lines)), named_(std::move(named)), row_(separator), limit_(limit) {}

  Result<bool> next(Record& record) override {
    if (names_.empty()) VECMILL_TRY(read_header());
    VECMILL_ASSIGN(const bool more, read_row());
    if (!more) return false;
    const std::vector<std::string>& values = row_.fields();
    if (values.size() != names_.size()) {
      return bad("has " + std::to_string(values.size()) + " fields, the header has " +
                 std::to_string(names_.size()));
    }
    record.text = values[text_];
    record.id = id_ < values.size() ? values[id_] : where();
    if (record.id.empty()) return bad("field \"" + names_[id_] + "\" is empty");
    set_metadata(record.metadata);
    return true;
  }
  [[nodiscard]] std::string where() const override {
    return lines_.name() + ":" + std::to_string(first_line_);
  }

 private:
  [[nodiscard]] Error bad(std::string message, std::string hint = {}) const {
    return make_error(ErrorKind::kInvalidData, std::move(message), where(), std::move(hint));
  }

  /// The next record that is not an empty line; false at the end.
  Result<bool> read_row() {
    row_.clear();
    auto state = CsvRow::State::kNeedsMore;
    while (state == CsvRow::State::kNeedsMore) {
      VECMILL_ASSIGN(const auto line, lines_.next());
      if (!line && row_.bytes() > 0) return bad("a quoted field has no closing quote");
      if (!line) return false;
      if (row_.bytes() == 0) {
        first_line_ = lines_.line();
        if (without_line_end(*line).empty()) continue;
      }
      state = row_.add(*line);
      if (row_.bytes() > limit_) {
        return bad("the record is longer than " + std::to_string(limit_) + " bytes",
                   "look for a quote that is not closed, or split it into smaller texts");
      }
    }
    if (state == CsvRow::State::kBroken) {
      return bad("something stands between a closing quote and the next separator",
                 "a quote inside a quoted field is written twice");
    }
    return true;
  }

  Status read_header() {
    VECMILL_ASSIGN(const bool more, read_row());
    if (!more) return {};
    const std::vector<std::string>& names = row_.fields();
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (std::find(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(i), names[i]) !=
          names.begin() + static_cast<std::ptrdiff_t>(i)) {
        return bad("the header has \"" + names[i] + "\" twice");
      }
    }
    VECMILL_ASSIGN(const Fields fields, choose_fields(names, named_, where()));
    const auto index = [&](const std::string& name) {
      return static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
    };
    text_ = index(fields.text);
    id_ = fields.id.empty() ? names.size() : index(fields.id);
    names_ = names;
    return {};
  }

  void set_metadata(std::string& metadata) const {
    metadata.clear();
    for (std::size_t i = 0; i < names_.size(); ++i) {
      if (i == text_ || i == id_) continue;
      metadata += metadata.empty() ? '{' : ',';
      append_json_string(metadata, names_[i]);
      metadata += ':';
      append_json_string(metadata, row_.fields()[i]);
    }
    if (!metadata.empty()) metadata += '}';
  }

  LineReader lines_;
  Fields named_;
  CsvRow row_;
  std::uint64_t limit_;
  std::uint64_t first_line_ = 0;
  std::vector<std::string> names_;
  std::size_t text_ = 0;
  std::size_t id_ = 0;  ///< names_.size(): none
};

}  // namespace

std::unique_ptr<RecordReader> make_csv_records(LineReader lines, Fields named, char separator,
                                               std::uint64_t limit) {
  return std::make_unique<CsvRecords>(std::move(lines), std::move(named), separator, limit);
}

}  // namespace vecmill::source
