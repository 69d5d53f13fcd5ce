#include "vecmill/sink/inventory.h"

#include <filesystem>
#include <utility>

#include "vecmill/base/json_text.h"
#include "vecmill/base/mapped_file.h"
#include "vecmill/place.h"
#include "vecmill/sink/index.h"
#include "vecmill/sink/output_paths.h"
#include "vecmill/sink/scan.h"

namespace vecmill::sink {
namespace {

namespace fs = std::filesystem;

/// .npy and .jsonl: written once, as a whole.
class FileInventory : public Inventory {
 public:
  FileInventory(std::string out, Meta meta) : out_(std::move(out)), meta_(std::move(meta)) {
    identity_ = meta_.identity;
  }

  [[nodiscard]] bool takes_single_rows() const override { return false; }

  Status each_row(const EachKnown& each) override {
    const OutputPaths paths = output_paths(out_);
    if (paths.out.extension() == ".npy") {
      return each_id(paths.ids, [&](std::string id) { return each({std::move(id), {}}); });
    }
    return scan_jsonl(out_, meta_, {false, false, false}, [&](const ScannedRow& row) {
      return each({row.id, {}});
    });
  }

  Status each_failed(const EachKnown& each) override {
    return each_failed_line(output_paths(out_).failed, each);
  }

  Result<std::uint64_t> remove(std::span<const KnownRow> /*rows*/) override {
    return make_error(ErrorKind::kUnsupported, "rows cannot be taken out of it", out_);
  }

 private:
  std::string out_;
  Meta meta_;
};

Result<std::unique_ptr<Inventory>> open_file_inventory(const std::string& out) {
  VECMILL_ASSIGN(Meta meta, read_description(out));
  const OutputPaths paths = output_paths(out);
  if (paths.out.extension() == ".npy" && !fs::exists(paths.ids)) {
    return make_error(ErrorKind::kInvalidData, "has no ids: " + paths.ids.string() + " is missing",
                      out);
  }
  return std::make_unique<FileInventory>(out, std::move(meta));
}

/// What is there before a run has ended.
bool is_unfinished(const std::string& out) {
  return !fs::exists(out) && (fs::exists(out + ".partial") || fs::exists(out + ".checkpoint"));
}

}  // namespace

Status each_failed_line(const std::string& failed, const EachKnown& each) {
  if (!fs::exists(failed)) return {};
  VECMILL_ASSIGN(const MappedFile file, MappedFile::open(failed));
  std::vector<JsonField> fields;
  return for_lines(file.text(), failed, [&](std::string_view line, const std::string& where) {
    fields.clear();
    std::optional<std::string> id;
    if (!scan_json_object(line, fields)) {
      for (const JsonField& field : fields) {
        if (field.key == "id") id = json_string(field.value);
      }
    }
    if (id) return each({*std::move(id), {}});
    return Status(make_error(ErrorKind::kInvalidData, "names no id of a text that failed", where));
  });
}

Result<std::unique_ptr<Inventory>> open_inventory(const std::string& out) {
  if (is_postgres_url(out)) {
    VECMILL_ASSIGN(const postgres::Url url, postgres::parse_url(out));
    return open_postgres_inventory(url);
  }
  if (is_qdrant_url(out)) {
    VECMILL_ASSIGN(const qdrant::Url url, qdrant::parse_url(out));
    return open_qdrant_inventory(url);
  }
  const std::string extension = fs::path(out).extension().string();
  if (extension != ".npy" && extension != ".jsonl" && extension != ".db") {
    return make_error(ErrorKind::kInvalidArgument, "is no output of embed by its extension", out,
                      "supported are .npy, .jsonl, .db, postgres://... and qdrant://...");
  }
  if (is_unfinished(out)) {
    return make_error(ErrorKind::kNotFound, "the run that writes it has not ended", out,
                      "finish it: `vecmill embed` with --resume");
  }
  return extension == ".db" ? open_database_inventory(out) : open_file_inventory(out);
}

}  // namespace vecmill::sink
