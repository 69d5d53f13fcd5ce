#include "vecmill/policy/outcome.h"

namespace vecmill::policy {

Outcome classify(int status, bool billing) {
  switch (status) {
    case 401:
    case 402:
    case 403: return Outcome::kKeyRefused;
    case 408:  // request timeout
    case 409:  // conflict: OpenAI's for a lock that was not had in time
    case 424:  // failed dependency: of TEI, its model
    case 425:  // too early
      return Outcome::kTransient;
    case 413: return Outcome::kTooLarge;
    case 429: return billing ? Outcome::kKeyRefused : Outcome::kThrottled;
    default: break;
  }
  if (status >= 200 && status < 300) return Outcome::kSuccess;
  return status >= 400 && status < 500 ? Outcome::kBadInput : Outcome::kTransient;
}

}  // namespace vecmill::policy
