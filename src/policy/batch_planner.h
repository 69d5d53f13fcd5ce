#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <vector>

#include "vecmill/policy/outcome.h"
#include "vecmill/policy/time.h"

namespace vecmill::policy {

/// What a request may hold, in this order: texts, tokens, bytes. None is 0.
inline constexpr std::size_t kMeasures = 3;
using BatchSize = std::array<std::uint64_t, kMeasures>;

struct Piece {
  std::uint64_t id = 0;
  std::uint64_t tokens = 0;
  std::uint64_t bytes = 0;
};

struct Batch {
  std::vector<Piece> pieces;
  bool full = false;  ///< the next text did not fit

  [[nodiscard]] BatchSize size() const;
};

/// Cuts a stream of texts into requests, in the order of arrival. A refused request is halved until
/// what is wrong stands alone; what was too large teaches how much fits.
class BatchPlanner {
 public:
  /// `linger`: how long a text waits for company.
  BatchPlanner(const BatchSize& limits, Duration linger);

  void add(Time now, const Piece& piece);

  /// Nothing more will come: nobody waits for company.
  void finish() { linger_ = {}; }

  /// A request to send now, if there is one. A text above a limit goes alone.
  [[nodiscard]] std::optional<Batch> next(Time now);

  /// When `next` has something if nothing else happens: not in the future: now; kNever: no text.
  [[nodiscard]] Time wake() const;

  /// The shortest text that waits, which is then on its way alone.
  [[nodiscard]] std::optional<Piece> take_shortest();

  /// Forgets the texts that wait and that `unwanted` says so of; it is asked once for each.
  void drop(const std::function<bool(std::uint64_t id)>& unwanted);

  void accepted(const Batch& batch);

  /// For kTooLarge and kBadInput. True: the halves are sent next; false: it was one text alone,
  /// which has failed for good.
  [[nodiscard]] bool refused(const Batch& batch, Outcome outcome);

  /// The most that a request is given now: the limits and what was learned of them.
  [[nodiscard]] BatchSize limits() const;

  /// A wish below the limits, such as AdaptiveBatch's.
  void aim_at_tokens(std::uint64_t tokens) { wished_tokens_ = tokens; }

 private:
  struct Measure {
    std::uint64_t most = 0;     // as given
    std::uint64_t limit = 0;    // in force
    std::uint64_t ceiling = 0;  // so much is too much
    std::uint64_t passed = 0;   // so much was accepted
    bool innocent = false;      // was blamed for a refusal and is not why
    std::uint64_t full = 0;     // requests of all that is taken, since it was less
    std::uint64_t doubt = 32;   // so many, and more is tried; doubled when that was too much
    bool tried = false;         // more, and no answer to it yet
  };
  struct Waiting {
    Time since;
    Piece piece;
  };

  [[nodiscard]] std::size_t fitting() const;
  [[nodiscard]] bool is_full(std::size_t texts) const;
  [[nodiscard]] std::size_t fullest(const BatchSize& size) const;
  static void grow(Measure& measure);
  [[nodiscard]] std::size_t to_blame(const BatchSize& size);

  std::array<Measure, kMeasures> measures_;
  std::uint64_t wished_tokens_ = ~std::uint64_t{0};
  Duration linger_;
  std::deque<Waiting> waiting_;
  std::deque<Batch> halves_;  // of refused requests
};

}  // namespace vecmill::policy
