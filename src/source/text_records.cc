#include <utility>

#include "vecmill/source/record_reader.h"

namespace vecmill::source {
namespace {

class LineRecords : public RecordReader {
 public:
  explicit LineRecords(LineReader lines) : lines_(std::move(lines)) {}

  Result<bool> next(Record& record) override {
    VECMILL_ASSIGN(const auto line, lines_.next());
    if (!line) return false;
    record = {lines_.where(), std::string(without_line_end(*line)), {}};
    return true;
  }
  [[nodiscard]] std::string where() const override { return lines_.where(); }

 private:
  LineReader lines_;
};

class WholeFileRecord : public RecordReader {
 public:
  explicit WholeFileRecord(LineReader lines) : lines_(std::move(lines)) {}

  Result<bool> next(Record& record) override {
    if (done_) return false;
    done_ = true;
    VECMILL_ASSIGN(record.text, lines_.rest());
    record.id = lines_.name();
    record.metadata.clear();
    return true;
  }
  [[nodiscard]] std::string where() const override { return lines_.name(); }

 private:
  LineReader lines_;
  bool done_ = false;
};

}  // namespace

std::unique_ptr<RecordReader> make_line_records(LineReader lines) {
  return std::make_unique<LineRecords>(std::move(lines));
}

std::unique_ptr<RecordReader> make_whole_file_record(LineReader lines) {
  return std::make_unique<WholeFileRecord>(std::move(lines));
}

}  // namespace vecmill::source
