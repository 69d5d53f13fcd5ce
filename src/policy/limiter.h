#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "vecmill/policy/ramp.h"
#include "vecmill/policy/time.h"
#include "vecmill/result.h"

namespace vecmill::policy {

/// What a provider can count. `kMetered` is its own measure, such as bytes / 4.
enum class Unit : std::uint8_t { kRequests, kTokens, kMetered, kInputs, kConcurrency };
inline constexpr std::size_t kUnits = 5;

[[nodiscard]] const char* name(Unit unit);

/// How much of each unit a request takes.
struct Demand {
  std::array<std::uint64_t, kUnits> amounts = {};

  std::uint64_t& operator[](Unit unit) { return amounts[static_cast<std::size_t>(unit)]; }
  std::uint64_t operator[](Unit unit) const { return amounts[static_cast<std::size_t>(unit)]; }
};

/// `count` come back per `period`, at most `burst` are there at once. A period of 0: what is taken
/// comes back when its request is settled.
struct Limit {
  Unit unit = Unit::kRequests;
  std::uint64_t count = 0;
  Duration period = {};
  std::uint64_t burst = 0;
  bool ramp = false;  ///< also OpenAI's rule of slow growth (ramp.h); for limits per minute
};

/// A bucket as deep as one period's count, refilled all the time: OpenAI.
[[nodiscard]] Limit token_bucket(Unit unit, std::uint64_t count, Duration period);

/// At most `count` in every window of a period, wherever it begins. The price of a deep burst is a
/// slower refill: a window can hold one burst and what comes back during it.
[[nodiscard]] Limit sliding_window(Unit unit, std::uint64_t count, std::uint64_t burst,
                                   Duration period);

[[nodiscard]] Limit concurrency(std::uint64_t count);

/// Holds requests to several limits at once: GCRA (a bucket kept as the time at which it will be
/// full again) per limit, all of them taken or none.
///
/// A request takes what it may need before it is sent and is settled, once, with what it used; then
/// the buckets are as if that had been known from the start. A limit is named by its place in the
/// list given to `create`. Only the first in line may ask: small requests that pass it by would let
/// a large one wait for ever.
class Limiter {
 public:
  using GrantId = std::uint64_t;  ///< ever greater

  enum class Verdict : std::uint8_t {
    kGranted,
    kLater,     ///< ask at `ask_again`; if that is kNever, when a grant is settled
    kTooLarge,  ///< more than `limit` ever has at once: split the request
  };

  struct Answer {
    Verdict verdict = Verdict::kGranted;
    GrantId grant = 0;
    Time ask_again = {};    ///< earlier is of no use unless something is settled
    std::size_t limit = 0;  ///< the one that makes the request wait longest
  };

  ///   errors  kInvalidArgument: a limit that lets nothing through
  static Result<Limiter> create(const std::vector<Limit>& limits);

  /// A refusal consumes nothing.
  [[nodiscard]] Answer take(Time now, const Demand& demand);

  /// False for a grant that is settled already or was never given; then nothing happens. `used` may
  /// be above or below what was taken; nothing used: the request was not sent.
  bool settle(GrantId grant, const Demand& used);

  /// What a reply says of a limit. Only ever lowers what is available: the lower of both counts.
  void observe(Time now, std::size_t limit, std::uint64_t remaining, Duration reset);

  /// Grants nothing before `until`: what a 429 asks for.
  void hold(Time until) { hold_ = std::max(hold_, until); }

  /// Another count per period for a rate; what is taken keeps its size in units. At least a
  /// thousandth of the burst.
  void set_count(Time now, std::size_t limit, std::uint64_t count);

  [[nodiscard]] std::uint64_t available(Time now, std::size_t limit) const;

 private:
  struct Bucket {
    Limit limit;               // as given, or as set later
    std::uint64_t count = 0;   // in force: the ramp may allow less than the limit
    std::uint64_t burst = 0;   // in force
    Time settled_full = {};    // full again, as far as the grants that are forgotten go
    Time full = {};            // full again, with all grants
    std::optional<Ramp> ramp;  // OpenAI's rule

    [[nodiscard]] bool is_rate() const { return limit.period > Duration(0); }
    [[nodiscard]] Duration time_for(std::uint64_t units) const;
  };

  struct Grant {
    GrantId id = 0;
    Time at = {};
    std::vector<std::uint64_t> amounts;  // [buckets]
    bool settled = false;
  };

  explicit Limiter(const std::vector<Limit>& limits);

  void apply_count(Time now, Bucket& bucket);
  [[nodiscard]] Time ready(std::size_t bucket, std::uint64_t units) const;
  [[nodiscard]] std::uint64_t in_flight(std::size_t bucket) const;
  void replay();

  std::vector<Bucket> buckets_;
  std::deque<Grant> grants_;  // from the oldest that is in flight
  GrantId next_ = 1;
  Time hold_ = Time::min();
};

}  // namespace vecmill::policy
