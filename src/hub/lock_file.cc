#include "vecmill/hub/lock_file.h"

#include <nlohmann/json.hpp>

#include "vecmill/base/json_text.h"
#include "vecmill/base/mapped_file.h"
#include "vecmill/hub/blob_hash.h"
#include "vecmill/hub/zip.h"

namespace vecmill::hub {
namespace {

constexpr std::size_t kLargestLock = 16u << 20;
constexpr int kFormat = 1;

void add_text(std::string& out, std::string_view indent, std::string_view key,
              std::string_view value) {
  out += indent;
  append_json_string(out, key);
  out += ": ";
  append_json_string(out, value);
}

Error broken(const std::string& where, std::string what) {
  return make_error(ErrorKind::kInvalidData, "the lock file is broken: " + std::move(what), where,
                    "remove the model with 'vecmill models rm' and get it again");
}

LockFile read_fields(const nlohmann::json& json) {  // throws
  LockFile lock;
  json.at("model").get_to(lock.model);
  json.at("revision").get_to(lock.revision);
  json.at("source").get_to(lock.source);
  for (const auto& item : json.at("files")) {
    LockedFile file;
    item.at("path").get_to(file.path);
    file.bytes = item.at("bytes").get_ref<const std::uint64_t&>();  // no other number will do
    item.at("sha256").get_to(file.sha256);
    if (item.contains("from")) item.at("from").get_to(file.from);
    lock.files.push_back(std::move(file));
  }
  return lock;
}

}  // namespace

std::string write_lock(const LockFile& lock) {
  std::string out = "{\n  \"format\": " + std::to_string(kFormat) + ",\n";
  add_text(out, "  ", "model", lock.model);
  add_text(out, ",\n  ", "revision", lock.revision);
  add_text(out, ",\n  ", "source", lock.source);
  out += ",\n  \"files\": [";
  bool first = true;
  for (const LockedFile& file : lock.files) {
    out += first ? "\n    {" : ",\n    {";
    first = false;
    add_text(out, "", "path", file.path);
    out += ", \"bytes\": " + std::to_string(file.bytes);
    add_text(out, ", ", "sha256", file.sha256);
    if (!file.from.empty()) add_text(out, ", ", "from", file.from);
    out += '}';
  }
  return out + "\n  ]\n}\n";
}

Result<LockFile> parse_lock(std::string_view json, const std::string& where) {
  try {
    const auto document = nlohmann::json::parse(json);
    if (document.at("format") != kFormat) {  // any number, also one that no int holds
      return make_error(ErrorKind::kUnsupported, "the lock file has another format", where,
                        "it was written by a newer vecmill");
    }
    LockFile lock = read_fields(document);
    for (const LockedFile& file : lock.files) {
      if (!is_safe_relative_path(file.path) || !is_hex(file.sha256, 64)) {
        return broken(where, "an entry has an impossible path or hash");
      }
    }
    return lock;
  } catch (const nlohmann::json::exception&) {
    return broken(where, "not the JSON that vecmill writes");
  }
}

Result<LockFile> read_lock(const std::filesystem::path& snapshot) {
  const std::filesystem::path path = snapshot / kLockFileName;
  VECMILL_ASSIGN(const std::string text, read_file(path, kLargestLock));
  return parse_lock(text, path.string());
}

}  // namespace vecmill::hub
