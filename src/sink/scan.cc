#include "vecmill/sink/scan.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "vecmill/base/mapped_file.h"
#include "vecmill/base/utf8.h"
#include "vecmill/sink/output_paths.h"
#include "vecmill/sink/sqlite_sink.h"

namespace vecmill::sink {

Status check_count(std::uint64_t found, std::uint64_t wanted, const std::string& where) {
  if (found == wanted) return {};
  return make_error(
      ErrorKind::kInvalidData,
      "has " + std::to_string(found) + " rows, its description says " + std::to_string(wanted),
      where);
}

Status for_lines(std::string_view text, const std::string& name,
                 const std::function<Status(std::string_view, const std::string&)>& each) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t size = std::min(text.find('\n'), text.size());
    const std::string where = name + ":" + std::to_string(number);
    if (!is_valid_utf8(text.substr(0, size))) {
      return make_error(ErrorKind::kInvalidData, "is not UTF-8", where);
    }
    VECMILL_TRY(each(text.substr(0, size), where));
    text.remove_prefix(std::min(size + 1, text.size()));
  }
  return {};
}

Result<Meta> read_description(const std::string& path) {
  const OutputPaths paths = output_paths(path);
  const std::string extension = paths.out.extension().string();
  if (extension != ".npy" && extension != ".jsonl" && extension != ".db") {
    return make_error(ErrorKind::kInvalidArgument, "is not an index by its extension", path,
                      "supported are .npy, .jsonl and .db");
  }
  if (!std::filesystem::exists(paths.out)) {
    return make_error(ErrorKind::kNotFound, "there is no such file", path);
  }
  if (extension == ".db") return read_sqlite_meta(paths.out);
  VECMILL_ASSIGN(const std::string text, read_file(paths.meta));
  return parse_meta(text, paths.meta.string());
}

Status scan_rows(const std::string& path, const Meta& meta, const Outputs& wanted,
                 const EachRow& each) {
  const bool database = path.ends_with(".db");
  return (database ? scan_database : scan_jsonl)(path, meta, wanted, each);
}

}  // namespace vecmill::sink
