#include "vecmill/sink/index.h"

#include <cstring>
#include <utility>

#include "vecmill/base/half.h"
#include "vecmill/base/json_text.h"
#include "vecmill/base/mapped_file.h"
#include "vecmill/sink/npy.h"
#include "vecmill/sink/output_paths.h"
#include "vecmill/sink/scan.h"

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

Result<Index> read_npy(const OutputPaths& paths, Meta meta) {
  VECMILL_ASSIGN(MappedFile file, MappedFile::open(paths.out));
  VECMILL_ASSIGN(const NpyShape shape, parse_npy(file.text(), paths.out.string()));
  VECMILL_TRY(check_count(shape.rows, meta.counts.rows, paths.out.string()));
  if (shape.dims != meta.identity.info.dims) {
    return bad(paths.out.string(), "has other dimensions than its description says");
  }
  Index index;
  VECMILL_TRY(each_id(paths.ids, [&](std::string id) -> Status {
    index.ids.push_back(std::move(id));
    return {};
  }));
  VECMILL_TRY(check_count(index.ids.size(), shape.rows, paths.ids.string()));
  index.info = std::move(meta.identity.info);
  index.rows = std::make_unique<MappedRows>(std::move(file), shape);
  return index;
}

/// A .jsonl or .db, whose vectors are text or in pages.
Result<Index> load_rows(const OutputPaths& paths, Meta meta) {
  Index index;
  std::vector<float> values;
  VECMILL_TRY(scan_rows(paths.out.string(), meta, Outputs{}, [&](const ScannedRow& row) -> Status {
    index.ids.push_back(row.id);
    values.insert(values.end(), row.vector.begin(), row.vector.end());
    return {};
  }));
  index.info = std::move(meta.identity.info);
  index.rows = std::make_unique<LoadedRows>(std::move(values), index.info.dims);
  return index;
}

}  // namespace

Status each_id(const std::filesystem::path& ids, const std::function<Status(std::string)>& each) {
  VECMILL_ASSIGN(const MappedFile file, MappedFile::open(ids));
  const auto read = [&](std::string_view line, const std::string& where) -> Status {
    std::vector<JsonField> one;
    const std::string object = "{\"id\":" + std::string(line) + "}";
    auto id = scan_json_object(object, one) || one.size() != 1 ? std::nullopt
                                                               : json_string(one.front().value);
    return id ? each(*std::move(id)) : Status(bad(where, "is not a JSON string"));
  };
  return for_lines(file.text(), ids.string(), read);
}

Result<Index> read_index(const std::string& path) {
  const OutputPaths paths = output_paths(path);
  VECMILL_ASSIGN(Meta meta, read_description(path));
  if (!meta.identity.info.outputs.dense) {
    return make_error(ErrorKind::kMismatch,
                      "holds " + name(meta.identity.info.outputs) + ", no dense vectors", path);
  }
  return paths.out.extension() == ".npy" ? read_npy(paths, std::move(meta))
                                         : load_rows(paths, std::move(meta));
}

}  // namespace vecmill::sink
