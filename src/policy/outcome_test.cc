#include "vecmill/policy/outcome.h"

#include <gtest/gtest.h>

namespace vecmill::policy {
namespace {

TEST(OutcomeTest, EveryStatusHasOne) {
  struct Case {
    int status;
    Outcome outcome;
  };
  for (const Case& c : {
           Case{200, Outcome::kSuccess},
           Case{204, Outcome::kSuccess},
           Case{0, Outcome::kTransient},
           Case{302, Outcome::kTransient},
           Case{400, Outcome::kBadInput},
           Case{401, Outcome::kKeyRefused},
           Case{402, Outcome::kKeyRefused},
           Case{403, Outcome::kKeyRefused},
           Case{404, Outcome::kBadInput},
           Case{408, Outcome::kTransient},
           Case{409, Outcome::kTransient},
           Case{413, Outcome::kTooLarge},
           Case{422, Outcome::kBadInput},
           Case{425, Outcome::kTransient},
           Case{429, Outcome::kThrottled},
           Case{500, Outcome::kTransient},
           Case{503, Outcome::kTransient},
           Case{529, Outcome::kTransient},
       }) {
    EXPECT_EQ(classify(c.status), c.outcome) << c.status;
  }
}

TEST(OutcomeTest, A429OfTheAccountIsNotOneOfTheRate) {
  EXPECT_EQ(classify(429, true), Outcome::kKeyRefused);
  EXPECT_EQ(classify(500, true), Outcome::kTransient);
}

}  // namespace
}  // namespace vecmill::policy
