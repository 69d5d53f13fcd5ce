#pragma once

#include <cstdint>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/engine/row_table.h"
#include "vecmill/reconcile.h"
#include "vecmill/record.h"
#include "vecmill/result.h"
#include "vecmill/sink/inventory.h"

namespace vecmill::engine {

/// Records of a source beside the rows of a sink: counts, tells what is not fine, and says which
/// are to be left out of a run that mends the others (SkipDone::FindDone).
class Comparison {
 public:
  struct Parts {
    const ReconcileJob& job;
    sink::Inventory& inventory;
    const ReconcileListeners& listeners;
    std::stop_token stop;
  };
  Comparison(const Parts& parts, ReconcileReport& report);

  /// Before any record is looked at.
  Status read_sink();

  /// Whether texts themselves are looked at; if not, whether their hashes are.
  [[nodiscard]] bool needs_texts() const;
  [[nodiscard]] bool needs_hashes() const;
  /// Records have the hashes of their texts in their place, where those are needed.
  void take_hashes() { hashed_ = true; }

  /// Whether each needs nothing to be made of it.
  ///   errors  kCancelled; those of the listener
  Result<std::vector<bool>> operator()(std::span<const Record> records);

  /// The source has a record of this id, of whatever text.
  void meet(std::string_view id) { rows_.meet(id, {}); }

  /// Rows of the sink that no record met, and whether this is one, made of the same text as then.
  [[nodiscard]] std::uint64_t alone() const { return rows_.size() - rows_.met(); }
  [[nodiscard]] bool is_alone(const sink::KnownRow& row) const {
    return rows_.is_alone(row.id) && rows_.find(row.id, row.text_hash) == RowTable::Found::kSame;
  }
  [[nodiscard]] bool any_met() const { return rows_.met() > 0; }

 private:
  /// Whether texts that failed are on record by what they are.
  [[nodiscard]] bool knows_failed() const;
  Result<bool> is_done(const Record& record);
  [[nodiscard]] Status tell(RowState state, const Record& record) const;
  [[nodiscard]] Status check_stop() const;

  Parts parts_;
  ReconcileReport& report_;
  RowTable rows_, failed_;
  bool hashed_ = false;
};

}  // namespace vecmill::engine
