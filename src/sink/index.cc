#include "vecmill/sink/index.h"

#include <charconv>
#include <cstring>
#include <filesystem>
#include <utility>

#include "vecmill/base/json_text.h"
#include "vecmill/base/mapped_file.h"
#include "vecmill/base/utf8.h"
#include "vecmill/sink/checkpoint.h"
#include "vecmill/sink/database.h"
#include "vecmill/sink/npy.h"
#include "vecmill/sink/output_paths.h"
#include "vecmill/sink/sqlite_sink.h"

namespace vecmill::sink {
namespace {

class MappedRows : public Rows {
 public:
  MappedRows(MappedFile file, const NpyShape& shape) : file_(std::move(file)), shape_(shape) {}

  std::span<const float> row(std::size_t i, std::vector<float>& scratch) const override {
    scratch.resize(shape_.dims);
    const std::size_t item = shape_.half ? 2 : 4;
    const char* data = file_.text().data() + shape_.data_offset + i * shape_.dims * item;
    if (!shape_.half) {  // copied: another program's header may leave the data unaligned
      std::memcpy(scratch.data(), data, shape_.dims * item);
      return scratch;
    }
    for (std::size_t d = 0; d < shape_.dims; ++d) {
      std::uint16_t half = 0;
      std::memcpy(&half, data + d * 2, 2);
      scratch[d] = from_half(half);
    }
    return scratch;
  }

 private:
  MappedFile file_;
  NpyShape shape_;
};

class LoadedRows : public Rows {
 public:
  LoadedRows(std::vector<float> values, std::size_t dims)
      : values_(std::move(values)), dims_(dims) {}

  std::span<const float> row(std::size_t i, std::vector<float>& /*scratch*/) const override {
    return std::span(values_).subspan(i * dims_, dims_);
  }

 private:
  std::vector<float> values_;
  std::size_t dims_;
};

Error bad(const std::string& where, const std::string& what) {
  return make_error(ErrorKind::kInvalidData, what, where);
}

Status check_count(std::uint64_t found, std::uint64_t wanted, const std::string& where) {
  if (found == wanted) return {};
  return bad(where, "has " + std::to_string(found) + " rows, its description says " +
                        std::to_string(wanted));
}

Result<Meta> load_meta(const OutputPaths& paths) {
  VECMILL_ASSIGN(const std::string text, read_file(paths.meta));
  return parse_meta(text, paths.meta.string());
}

/// Calls `each(line, where)` for every line of a mapped file.
template <class Each>
Status for_lines(std::string_view text, const std::string& name, Each each) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t size = std::min(text.find('\n'), text.size());
    const std::string where = name + ":" + std::to_string(number);
    if (!is_valid_utf8(text.substr(0, size))) return bad(where, "is not UTF-8");
    VECMILL_TRY(each(text.substr(0, size), where));
    text.remove_prefix(std::min(size + 1, text.size()));
  }
  return {};
}

Result<Index> read_npy(const OutputPaths& paths) {
  VECMILL_ASSIGN(MappedFile file, MappedFile::open(paths.out));
  VECMILL_ASSIGN(const NpyShape shape, parse_npy(file.text(), paths.out.string()));
  VECMILL_ASSIGN(Meta meta, load_meta(paths));
  VECMILL_TRY(check_count(shape.rows, meta.counts.rows, paths.out.string()));
  if (shape.dims != meta.identity.info.dims) {
    return bad(paths.out.string(), "has other dimensions than its description says");
  }
  Index index;
  VECMILL_ASSIGN(const MappedFile ids, MappedFile::open(paths.ids));
  VECMILL_TRY(for_lines(ids.text(), paths.ids.string(),
                        [&](std::string_view line, const std::string& where) -> Status {
                          std::vector<JsonField> one;
                          const std::string object = "{\"id\":" + std::string(line) + "}";
                          auto id = scan_json_object(object, one) || one.size() != 1
                                        ? std::nullopt
                                        : json_string(one.front().value);
                          if (!id) return bad(where, "is not a JSON string");
                          index.ids.push_back(*std::move(id));
                          return {};
                        }));
  VECMILL_TRY(check_count(index.ids.size(), shape.rows, paths.ids.string()));
  index.info = std::move(meta.identity.info);
  index.rows = std::make_unique<MappedRows>(std::move(file), shape);
  return index;
}

/// Appends the numbers of a scanned JSON array; false unless they are `dims` plain numbers.
bool append_numbers(std::string_view array, std::size_t dims, std::vector<float>& values) {
  if (array.size() < 2 || array.front() != '[') return false;
  const char* at = array.data() + 1;
  const char* end = array.data() + array.size() - 1;
  for (std::size_t i = 0; i < dims; ++i) {
    while (at != end && (*at == ' ' || *at == ',')) ++at;
    float value = 0;
    const auto parsed = std::from_chars(at, end, value);
    if (parsed.ec != std::errc()) return false;
    values.push_back(value);
    at = parsed.ptr;
  }
  return at == end;
}

Status add_line(std::string_view line, const std::string& where, Index& index,
                std::vector<float>& values) {
  std::vector<JsonField> fields;
  if (const auto problem = scan_json_object(line, fields)) {
    return bad(where, std::string(problem->what));
  }
  std::optional<std::string> id;
  bool has_vector = false;
  for (const JsonField& field : fields) {
    if (field.key == "id") id = json_string(field.value);
    if (field.key == "vector") has_vector = append_numbers(field.value, index.info.dims, values);
  }
  if (!id || !has_vector) return bad(where, "needs an id and a vector of the right length");
  index.ids.push_back(*std::move(id));
  return {};
}

Result<Index> read_jsonl(const OutputPaths& paths) {
  VECMILL_ASSIGN(const MappedFile file, MappedFile::open(paths.out));
  VECMILL_ASSIGN(Meta meta, load_meta(paths));
  Index index;
  index.info = std::move(meta.identity.info);
  std::vector<float> values;
  VECMILL_TRY(for_lines(file.text(), paths.out.string(),
                        [&](std::string_view line, const std::string& where) {
                          return add_line(line, where, index, values);
                        }));
  VECMILL_TRY(check_count(index.ids.size(), meta.counts.rows, paths.out.string()));
  index.rows = std::make_unique<LoadedRows>(std::move(values), index.info.dims);
  return index;
}

Result<Index> read_database(const OutputPaths& paths) {
  const std::string where = paths.out.string();
  if (!std::filesystem::exists(paths.out)) {
    return make_error(ErrorKind::kNotFound, "there is no such file", where);
  }
  VECMILL_ASSIGN(Meta meta, read_sqlite_meta(paths.out));
  VECMILL_ASSIGN(const Database db, Database::open(paths.out, false));
  VECMILL_ASSIGN(auto load,
                 Statement::prepare(db, "SELECT id, vector FROM vectors ORDER BY rowid"));
  Index index;
  index.info = std::move(meta.identity.info);
  const bool half = meta.identity.store == "f16";
  const std::size_t item = half ? 2 : 4;
  std::vector<float> values;
  while (true) {
    VECMILL_ASSIGN(const bool more, load.step());
    if (!more) break;
    index.ids.emplace_back(load.text(0));
    const std::string_view blob = load.blob(1);
    if (blob.size() != index.info.dims * item) {
      return bad(where, "the vector of id \"" + index.ids.back() + "\" has another length");
    }
    for (std::size_t at = 0; at < blob.size(); at += item) {
      std::uint16_t bits = 0;
      float value = 0;
      if (half) {
        std::memcpy(&bits, blob.data() + at, 2);
        value = from_half(bits);
      } else {
        std::memcpy(&value, blob.data() + at, 4);
      }
      values.push_back(value);
    }
  }
  VECMILL_TRY(check_count(index.ids.size(), meta.counts.rows, where));
  index.rows = std::make_unique<LoadedRows>(std::move(values), index.info.dims);
  return index;
}

}  // namespace

Result<Index> read_index(const std::string& path) {
  const OutputPaths paths = output_paths(path);
  const std::string extension = paths.out.extension().string();
  if (extension == ".npy") return read_npy(paths);
  if (extension == ".jsonl") return read_jsonl(paths);
  if (extension == ".db") return read_database(paths);
  return make_error(ErrorKind::kInvalidArgument, "is not an index by its extension", path,
                    "supported are .npy, .jsonl and .db");
}

}  // namespace vecmill::sink
