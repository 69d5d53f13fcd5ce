#include <charconv>
#include <cmath>
#include <optional>
#include <utility>

#include "vecmill/base/json_text.h"
#include "vecmill/base/mapped_file.h"
#include "vecmill/sink/scan.h"

namespace vecmill::sink {
namespace {

/// Reads JSON that was scanned already: what is left of an array of numbers, or of such arrays.
class ArrayReader {
 public:
  explicit ArrayReader(std::string_view text) : at_(text.data()), end_(at_ + text.size()) {}

  /// Whether `c` comes next; it is passed then. Blanks and commas before it do not count.
  bool pass(char c) {
    while (at_ != end_ && (*at_ == ' ' || *at_ == ',' || *at_ == '\t')) ++at_;
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }

  /// "[1, 2]" appended to `values`; nothing when it is anything else.
  template <class Number>
  bool numbers(std::vector<Number>& values) {
    if (!pass('[')) return false;
    while (!pass(']')) {
      Number value{};
      const auto parsed = std::from_chars(at_, end_, value);
      if (parsed.ec != std::errc()) return false;
      values.push_back(value);
      at_ = parsed.ptr;
    }
    return true;
  }

  [[nodiscard]] bool ended() const { return at_ == end_; }

 private:
  const char* at_;
  const char* end_;
};

/// Each replaces what an earlier field of the same name gave: of two the last counts.
bool read_vector(std::string_view value, std::size_t dims, std::vector<float>& out) {
  out.clear();
  ArrayReader reader(value);
  return reader.numbers(out) && reader.ended() && out.size() == dims;
}

bool read_multivector(std::string_view value, std::size_t dims, std::vector<float>& out) {
  out.clear();
  ArrayReader reader(value);
  if (!reader.pass('[')) return false;
  while (!reader.pass(']')) {
    const std::size_t before = out.size();
    if (!reader.numbers(out) || out.size() - before != dims) return false;
  }
  return reader.ended();
}

bool read_sparse(std::string_view value, SparseVector& out) {
  out.clear();
  std::vector<JsonField> fields;
  std::vector<TokenId> tokens;
  std::vector<float> weights;
  if (!value.starts_with('{') || scan_json_object(value, fields)) return false;
  for (const JsonField& field : fields) {
    ArrayReader reader(field.value);
    if (field.key == "indices" && !(reader.numbers(tokens) && reader.ended())) return false;
    if (field.key == "values" && !(reader.numbers(weights) && reader.ended())) return false;
  }
  if (tokens.size() != weights.size()) return false;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (i > 0 && tokens[i] <= tokens[i - 1]) return false;
    out.push_back({tokens[i], weights[i]});
  }
  return true;
}

/// What a line has of what is wanted.
struct Found {
  bool id = false, degraded = false;
  Outputs outputs = {false, false, false};
};

Result<Found> read_fields(const std::vector<JsonField>& fields, const SpaceInfo& info,
                          const Outputs& wanted, ScannedRow& row) {
  Found found;
  const std::string_view dense = info.outputs.only_dense() ? "vector" : "dense";
  for (const JsonField& field : fields) {
    if (field.key == "id") {
      auto id = json_string(field.value);
      found.id = id.has_value();
      if (id) row.id = *std::move(id);
    } else if (field.key == "degraded") {
      found.degraded = true;
    } else if (wanted.dense && field.key == dense) {
      found.outputs.dense = read_vector(field.value, info.dims, row.vector);
    } else if (wanted.sparse && field.key == "sparse") {
      found.outputs.sparse = read_sparse(field.value, row.sparse);
    } else if (wanted.multivector && field.key == "multivector") {
      found.outputs.multivector =
          read_multivector(field.value, info.multivector_dims, row.multivector);
    }
  }
  return found;
}

}  // namespace

Status scan_jsonl(const std::string& path, const Meta& meta, const Outputs& wanted,
                  const EachRow& each) {
  VECMILL_ASSIGN(const MappedFile file, MappedFile::open(path));
  std::uint64_t rows = 0;
  std::vector<JsonField> fields;
  const auto add = [&](std::string_view line, const std::string& where) -> Status {
    fields.clear();
    if (const auto problem = scan_json_object(line, fields)) {
      return make_error(ErrorKind::kInvalidData, std::string(problem->what), where);
    }
    ScannedRow row;
    VECMILL_ASSIGN(const Found found, read_fields(fields, meta.identity.info, wanted, row));
    if (!found.id) return make_error(ErrorKind::kInvalidData, "needs an id", where);
    if (!found.outputs.contain(wanted)) {
      return make_error(ErrorKind::kInvalidData,
                        wanted.only_dense() ? "needs an id and a vector of the right length"
                                            : "needs an id and all of " + name(wanted),
                        where);
    }
    ++rows;
    return found.degraded ? Status() : each(row);
  };
  VECMILL_TRY(for_lines(file.text(), path, add));
  return check_count(rows, meta.counts.rows, path);
}

}  // namespace vecmill::sink
