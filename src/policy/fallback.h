#pragma once

#include <cstddef>
#include <vector>

#include "vecmill/policy/time.h"

namespace vecmill::policy {

struct FallbackTimes {
  Duration patience = std::chrono::minutes(10);   ///< for all to be out; 0: not at all
  Duration ask_again = std::chrono::seconds(60);  ///< how often one that is out is asked
};

/// Which of several servers that give the same answers is asked: the first that is not out. One
/// that is out is asked again now and then, by one call at a time.
class Fallback {
 public:
  enum class Verdict { kAsk, kWait, kGiveUp };

  struct Route {
    Verdict verdict = Verdict::kAsk;
    std::size_t member = 0;  ///< to ask; its end is to be reported
    bool probe = false;      ///< it was out: ask it little
    Time until = {};         ///< when to come again if nothing is reported
  };

  ///   members  at least one
  Fallback(std::size_t members, const FallbackTimes& times) : times_(times), members_(members) {}

  [[nodiscard]] Route route(Time now);

  /// A call of a route has answers.
  void answered(const Route& route);
  /// It has none because of the server.
  void failed(Time now, const Route& route);
  /// It was ended by the caller: nothing is known.
  void dropped(const Route& route);

 private:
  struct Member {
    bool out = false;
    bool probing = false;
    Time ask_again = {};
  };

  FallbackTimes times_;
  std::vector<Member> members_;
  Time out_since_ = kNever;  // all of them
};

}  // namespace vecmill::policy
