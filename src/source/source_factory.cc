#include "vecmill/source/source_factory.h"

#include <xxhash.h>

#include <charconv>
#include <utility>
#include <vector>

#include "vecmill/source/id_set.h"
#include "vecmill/source/input_files.h"
#include "vecmill/source/record_reader.h"

namespace vecmill::source {
namespace {

constexpr std::size_t kSeekRecords = 1024;

/// A position is "<records>:<digest>": how many records lie before it and a hash over all of them,
/// so that going on over a changed input is noticed.
struct Position {
  std::uint64_t records = 0;
  std::uint64_t digest = 0;
};

std::string to_string(const Position& position) {
  return std::to_string(position.records) + ":" + std::to_string(position.digest);
}

Result<Position> parse_position(const std::string& text) {
  Position position;
  const char* end = text.data() + text.size();
  const auto records = std::from_chars(text.data(), end, position.records);
  if (records.ec == std::errc() && records.ptr != end && *records.ptr == ':') {
    const auto digest = std::from_chars(records.ptr + 1, end, position.digest);
    if (digest.ec == std::errc() && digest.ptr == end) return position;
  }
  return make_error(ErrorKind::kInvalidData, "is not a position in an input", text);
}

std::uint64_t mix(std::uint64_t digest, const std::string& bytes) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), digest);
}

class FileSource : public Source {
 public:
  FileSource(std::vector<InputFile> files, SourceOptions options)
      : files_(std::move(files)), options_(std::move(options)) {}

  Result<std::vector<Record>> next(std::size_t count) override {
    std::vector<Record> records;
    while (records.size() < count) {
      Record record;
      VECMILL_ASSIGN(const bool more, next_record(record));
      if (!more) break;
      records.push_back(std::move(record));
    }
    return records;
  }

  [[nodiscard]] std::string position() const override { return to_string(position_); }

  Status seek(const std::string& text) override {
    VECMILL_ASSIGN(const Position wanted, parse_position(text));
    VECMILL_TRY(rewind());
    while (position_.records < wanted.records) {
      const std::uint64_t left = wanted.records - position_.records;
      VECMILL_ASSIGN(const auto passed, next(left < kSeekRecords ? left : kSeekRecords));
      if (passed.empty()) break;
    }
    if (to_string(position_) == to_string(wanted)) return {};
    return make_error(ErrorKind::kMismatch, "the input is not the one of the interrupted run",
                      files_.front().path, "give the same input, or start over");
  }

 private:
  Status rewind() {
    if (position_.records == 0) return {};
    for (const InputFile& file : files_) {
      if (file.path != "-") continue;
      return make_error(ErrorKind::kUnsupported, "standard input cannot go back", "stdin");
    }
    reader_.reset();
    file_ = 0;
    position_ = {};
    ids_ = IdSet();
    return {};
  }

  Result<bool> next_record(Record& record) {
    while (true) {
      if (!reader_) {
        if (file_ == files_.size()) return end();
        VECMILL_TRY(open_next());
      }
      VECMILL_ASSIGN(const bool more, reader_->next(record));
      if (more) break;
      reader_.reset();
    }
    if (!ids_.insert(record.id)) {
      return make_error(ErrorKind::kInvalidData, "the id \"" + record.id + "\" occurs twice",
                        reader_->where(), "make ids unique, or name another field as the id");
    }
    ++position_.records;
    position_.digest = mix(mix(mix(position_.digest, record.id), record.text), record.metadata);
    return true;
  }

  Result<bool> end() const {
    if (position_.records > 0) return false;
    return make_error(ErrorKind::kInvalidData, "there is no text in the input",
                      files_.front().path == "-" ? "stdin" : files_.front().path);
  }

  Status open_next() {
    const InputFile& file = files_[file_++];
    VECMILL_ASSIGN(LineReader lines, LineReader::open(file.path, options_.max_text_bytes));
    const Fields named{options_.text_field, options_.id_field};
    switch (file.format) {
      case Format::kText:
        reader_ = options_.whole_file ? make_whole_file_record(std::move(lines))
                                      : make_line_records(std::move(lines));
        break;
      case Format::kJsonl: reader_ = make_jsonl_records(std::move(lines), named); break;
      case Format::kCsv:
      case Format::kTsv:
        reader_ =
            make_csv_records(std::move(lines), named, file.format == Format::kCsv ? ',' : '\t',
                             options_.max_text_bytes);
        break;
    }
    return {};
  }

  std::vector<InputFile> files_;
  SourceOptions options_;
  std::unique_ptr<RecordReader> reader_;
  std::size_t file_ = 0;
  Position position_;
  IdSet ids_;
};

}  // namespace

Result<std::unique_ptr<Source>> open(std::span<const std::string> inputs,
                                     const SourceOptions& options) {
  if (inputs.empty()) {
    return make_error(ErrorKind::kInvalidArgument, "no input is named", {},
                      "name a file or a folder, or - for standard input");
  }
  VECMILL_ASSIGN(auto files, list_inputs(inputs, options.format));
  return std::make_unique<FileSource>(std::move(files), options);
}

}  // namespace vecmill::source
