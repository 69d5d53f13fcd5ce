#include "vecmill/engine/comparison.h"

#include "vecmill/base/hash.h"
#include "vecmill/engine/embed_window.h"

namespace vecmill::engine {

using Found = RowTable::Found;
using sink::KnownRow;

Comparison::Comparison(const Parts& parts, ReconcileReport& report)
    : parts_(parts), report_(report) {
  report_.knows_stale = parts_.inventory.knows_texts();
}

Status Comparison::check_stop() const {
  if (!parts_.stop.stop_requested()) return {};
  return make_error(ErrorKind::kCancelled, "interrupted");
}

Status Comparison::read_sink() {
  const auto add_to = [&](RowTable& table) {
    return [&](const KnownRow& row) {
      table.add(row.id, row.text_hash);
      return check_stop();
    };
  };
  VECMILL_TRY(parts_.inventory.each_row(add_to(rows_)));
  return parts_.inventory.each_failed(add_to(failed_));
}

Status Comparison::tell(RowState state, const Record& record) const {
  const auto& finding = parts_.listeners.finding;
  return finding ? finding(state, record.id) : Status();
}

bool Comparison::knows_failed() const {
  return failed_.size() > 0 && parts_.inventory.knows_failed_texts();
}

bool Comparison::needs_texts() const {
  return parts_.job.mend || parts_.job.embed.empty == Empty::kSkip;
}

bool Comparison::needs_hashes() const { return parts_.inventory.knows_texts() || knows_failed(); }

Result<bool> Comparison::is_done(const Record& record) {
  const bool by_text = parts_.inventory.knows_texts(), failed_by_text = knows_failed();
  std::string hash;
  if (needs_hashes()) hash = hashed_ ? record.text : sha256_hex(record.text);
  ++report_.rows;
  const Found found = rows_.meet(record.id, by_text ? hash : "");
  if (found == Found::kSame) {
    ++report_.fine;
    return true;
  }
  if (failed_.find(record.id, failed_by_text ? hash : "") == Found::kSame) {
    ++report_.failed;
    VECMILL_TRY(tell(RowState::kFailed, record));
    return true;
  }
  if (found == Found::kNot && parts_.job.embed.empty == Empty::kSkip && is_blank(record.text)) {
    ++report_.skipped;
    return true;
  }
  const bool lost = found == Found::kNot;
  ++(lost ? report_.lost : report_.stale);
  VECMILL_TRY(tell(lost ? RowState::kLost : RowState::kStale, record));
  return !parts_.job.mend;
}

Result<std::vector<bool>> Comparison::operator()(std::span<const Record> records) {
  VECMILL_TRY(check_stop());
  std::vector<bool> done;
  for (const Record& record : records) {
    VECMILL_ASSIGN(const bool is_this, is_done(record));
    done.push_back(is_this);
  }
  if (parts_.listeners.progress) parts_.listeners.progress(report_.rows);
  return done;
}

}  // namespace vecmill::engine
