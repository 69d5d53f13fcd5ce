#include "vecmill/policy/fallback.h"

#include <algorithm>

namespace vecmill::policy {

Fallback::Route Fallback::route(Time now) {
  Route found;
  found.until = kNever;
  for (; found.member < members_.size(); ++found.member) {
    Member& member = members_[found.member];
    if (!member.out) return found;
    if (member.probing) continue;
    if (now >= member.ask_again) {
      found.probe = member.probing = true;
      return found;
    }
    found.until = std::min(found.until, member.ask_again);
  }
  const Time give_up = out_since_ + times_.patience;
  found.verdict = now < give_up ? Verdict::kWait : Verdict::kGiveUp;
  found.until = std::min(found.until, give_up);
  return found;
}

void Fallback::answered(const Route& route) {
  members_[route.member] = {};
  out_since_ = kNever;
}

void Fallback::failed(Time now, const Route& route) {
  Member& member = members_[route.member];
  if (member.out && !route.probe) return;  // sent before it was known
  member = {.out = true, .ask_again = now + times_.ask_again};
  if (out_since_ == kNever && std::ranges::all_of(members_, &Member::out)) out_since_ = now;
}

void Fallback::dropped(const Route& route) {
  if (route.probe) members_[route.member].probing = false;
}

}  // namespace vecmill::policy
