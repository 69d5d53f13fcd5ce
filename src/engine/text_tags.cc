#include "vecmill/engine/text_tags.h"

#include <optional>
#include <utility>

#include "vecmill/base/hash.h"
#include "vecmill/base/json_text.h"

namespace vecmill::engine {
namespace {

/// Whoever names a field of prose by mistake would have the texts in the ledger.
constexpr std::size_t kMostBytes = 100;

Error no_tag(const Record& record, const std::string& field, const char* what) {
  return make_error(ErrorKind::kInvalidData, "the field " + field + " is no tag: " + what,
                    "record " + record.id, "name another with --tag-field");
}

/// nullopt: there is none.
Result<std::optional<std::string>> value_of(const Record& record, const std::string& field) {
  std::vector<JsonField> members;
  if (record.metadata.empty() || scan_json_object(record.metadata, members)) return std::nullopt;
  for (const JsonField& member : members) {
    std::string key;
    if (!unescape_json(member.key, key) || key != field) continue;
    if (member.value == "null") return std::nullopt;
    if (member.value.starts_with('{') || member.value.starts_with('[')) {
      return no_tag(record, field, "it is no text and no number");
    }
    std::string value(member.value);
    if (auto text = json_string(member.value)) value = *std::move(text);
    if (value.size() > kMostBytes) return no_tag(record, field, "it is longer than 100 bytes");
    if (value.empty()) return std::nullopt;
    return std::optional(std::move(value));
  }
  return std::nullopt;
}

}  // namespace

Status TextTags::set(std::span<const Record> records, const std::vector<std::string>& fields) {
  std::unordered_map<std::uint64_t, ledger::Tags> found;
  for (const Record& record : fields.empty() ? std::span<const Record>() : records) {
    ledger::Tags tags;
    for (const std::string& field : fields) {
      VECMILL_ASSIGN(auto value, value_of(record, field));
      if (value) tags.insert_or_assign(field, *std::move(value));
    }
    found.emplace(checksum(record.text), std::move(tags));
  }
  const std::lock_guard lock(mutex_);
  tags_ = std::move(found);
  return {};
}

ledger::Tags TextTags::of(std::string_view text) const {
  const std::lock_guard lock(mutex_);
  if (tags_.empty()) return {};
  const auto found = tags_.find(checksum(text));
  return found == tags_.end() ? ledger::Tags() : found->second;
}

}  // namespace vecmill::engine
