#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/engine.h"

namespace vecmill {

/// What a row can be besides fine. docs/reconcile.md
enum class RowState : std::uint8_t {
  kLost,      ///< in the source, and the sink has no row of it
  kStale,     ///< its row was made of another text, or of another model
  kFailed,    ///< there is no row, and the sink has it on record that its text failed
  kOrphaned,  ///< in the sink alone
};
[[nodiscard]] std::string_view name(RowState state);

struct ReconcileJob {
  /// `inputs`; `out`: the sink. The rest says how texts are read and, to mend, embedded; what is
  /// made of a text is what the sink holds.
  EmbedJob embed;
  bool mend = false;             ///< embed what is lost or stale
  bool remove_orphans = false;   ///< reads the source twice
  bool remove_anything = false;  ///< orphans, too, where source and sink have no row in common
};

struct ReconcileReport {
  std::uint64_t rows = 0;  ///< of the source; each is one of the next five
  std::uint64_t fine = 0, lost = 0, stale = 0, failed = 0;
  std::uint64_t skipped = 0;  ///< blank texts, where those are to be skipped
  /// Nothing: the sink does not say which texts its rows are of, `stale` ones count as fine.
  bool knows_stale = false;
  std::uint64_t orphaned = 0;           ///< rows of the sink
  bool knows_orphaned = false;          ///< the source was read whole
  std::uint64_t mended = 0;             ///< of those lost or stale
  std::uint64_t failed_now = 0;         ///< the same: their texts failed
  std::uint64_t removed = 0;            ///< of those orphaned
  std::optional<EmbedReport> embedded;  ///< where something was mended
  std::vector<std::string> notes;       ///< what there is to know, a sentence each
};

/// Called from one thread at a time; either may be empty.
struct ReconcileListeners {
  /// For each row that is not fine; ids are the user's keys.
  std::function<Status(RowState, const std::string& id)> finding = {};
  /// How many rows of the source were compared so far.
  std::function<void(std::uint64_t rows)> progress = {};
};

/// A source and what was made of it, side by side. The rows of the sink are kept as hashes, 18 to
/// 37 bytes each, and are read before the source: a row that both get meanwhile is never taken for
/// an orphan.
class Reconciliation {
 public:
  ///   errors  kNotFound, kInvalidData, kAuth, ...: those of either end; kInvalidArgument: a sink
  ///           that cannot do what is asked, standard input twice, a part of a table and
  ///           `remove_orphans`; kMismatch: ids of other columns
  static Result<Reconciliation> open(ReconcileJob job);
  Reconciliation(Reconciliation&&) noexcept;
  Reconciliation& operator=(Reconciliation&&) noexcept;
  ~Reconciliation();

  /// The model that the sink has on record, with its settings.
  [[nodiscard]] std::optional<ModelOptions> model() const;

  /// Once. `engine`: of the sink's model, to mend; else it may be null.
  ///   errors  those of reading, embedding and writing; kMismatch: an engine of another space, or
  ///           a source and a sink without a row in common and `remove_orphans`; kCancelled
  Result<ReconcileReport> run(Engine* engine, const ReconcileListeners& listeners = {},
                              const std::stop_token& stop = {});

 private:
  struct State;
  explicit Reconciliation(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace vecmill
