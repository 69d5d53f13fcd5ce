#include <optional>
#include <utility>
#include <vector>

#include "vecmill/base/json_text.h"
#include "vecmill/source/record_reader.h"

namespace vecmill::source {
namespace {

class JsonlRecords : public RecordReader {
 public:
  JsonlRecords(LineReader lines, Fields named)
      : lines_(std::move(lines)), named_(std::move(named)) {}

  Result<bool> next(Record& record) override {
    std::string_view object;
    while (object.empty()) {
      VECMILL_ASSIGN(const auto line, lines_.next());
      if (!line) return false;
      if (line->find_first_not_of(" \t\r\n") != std::string_view::npos) object = *line;
    }
    if (const auto problem = scan_json_object(object, members_)) {
      return bad("broken JSON at byte " + std::to_string(problem->at + 1) + " of the line: it " +
                 std::string(problem->what));
    }
    if (!fields_) VECMILL_TRY(choose());
    return fill(record);
  }
  [[nodiscard]] std::string where() const override { return lines_.where(); }

 private:
  [[nodiscard]] Error bad(std::string message, std::string hint = {}) const {
    return make_error(ErrorKind::kInvalidData, std::move(message), where(), std::move(hint));
  }

  Status choose() {
    std::vector<std::string> names;
    for (const JsonField& member : members_) {
      if (unescape_json(member.key, key_)) names.push_back(key_);
    }
    VECMILL_ASSIGN(fields_, choose_fields(names, named_, where()));
    return {};
  }

  /// The id of a string or number; an error for anything else.
  Status set_id(Record& record, std::string_view value) {
    const bool number = value.front() == '-' || (value.front() >= '0' && value.front() <= '9');
    const auto text = number ? std::optional(std::string(value)) : json_string(value);
    if (!text || text->empty()) {
      return bad("field \"" + fields_->id + "\" must be a number or a string that is not empty");
    }
    record.id = *text;
    return {};
  }

  Status set_text(Record& record, std::string_view value) const {
    const bool is_string = value.front() == '"';
    if (is_string && unescape_json(value.substr(1, value.size() - 2), record.text)) return {};
    return bad("field \"" + fields_->text + "\" " +
               (is_string ? "has half of a surrogate pair" : "must be a string"));
  }

  Result<bool> fill(Record& record) {
    bool has_text = false;
    bool has_id = false;
    record.metadata.clear();
    for (const JsonField& member : members_) {
      if (!unescape_json(member.key, key_)) return bad("a key has half of a surrogate pair");
      if (key_ == fields_->text) {
        if (std::exchange(has_text, true)) return twice(key_);
        VECMILL_TRY(set_text(record, member.value));
      } else if (!fields_->id.empty() && key_ == fields_->id) {
        if (std::exchange(has_id, true)) return twice(key_);
        VECMILL_TRY(set_id(record, member.value));
      } else {
        append_member(record.metadata, member);
      }
    }
    if (!has_text) return bad("has no field \"" + fields_->text + "\"");
    if (fields_->id.empty()) {
      record.id = where();
    } else if (!has_id) {
      return bad("has no field \"" + fields_->id + "\"");
    }
    if (!record.metadata.empty()) record.metadata += '}';
    return true;
  }

  static void append_member(std::string& metadata, const JsonField& member) {
    metadata += metadata.empty() ? "{\"" : ",\"";
    metadata.append(member.key).append("\":").append(member.value);
  }

  [[nodiscard]] Error twice(const std::string& name) const {
    return bad("field \"" + name + "\" occurs twice");
  }

  LineReader lines_;
  Fields named_;
  std::optional<Fields> fields_;
  std::vector<JsonField> members_;
  std::string key_;
};

}  // namespace

std::unique_ptr<RecordReader> make_jsonl_records(LineReader lines, Fields named) {
  return std::make_unique<JsonlRecords>(std::move(lines), std::move(named));
}

}  // namespace vecmill::source
