#include <gtest/gtest.h>

#include <cstdlib>

#include "vecmill/base/lossy_disk.h"
#include "vecmill/ledger/testing.h"

namespace vecmill::ledger {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMost = 60;

/// What the ledger has said of a call, and when.
struct Told {
  std::size_t moment = 0;
  CallId call = 0;
  Bill bill = Bill::kOpen;
};

std::uint64_t tokens_of(CallId call) { return 20 + call; }

class PowerLossTest : public LedgerFolder {
 protected:
  std::vector<Told> make_calls(const LossyDisk& disk) const {
    std::vector<Told> told;
    for (int start = 0; start < 3; ++start) {
      const auto ledger = open();
      for (int n = 0; n < 4; ++n) {
        const CallId call = ledger->intent(call_of(kMost), kNoon).value().call;
        told.push_back({disk.now(), call, Bill::kOpen});
        if (n == 3) break;  // it stays open when the ledger is closed
        const Settlement end{n == 1 ? Bill::kNotBilled : Bill::kBilled,
                             n == 1 ? 0 : tokens_of(call)};
        EXPECT_TRUE(ledger->settle(call, end).value());
        told.push_back({disk.now(), call, end.bill});
      }
    }
    return told;
  }

  /// After the next start: what was told before that moment stands.
  void expect_to_stand(const std::vector<Told>& told, std::size_t moment) const {
    open().reset();
    std::map<CallId, Entry> calls;
    for (const Entry& entry : entries()) calls.emplace(entry.id, entry);
    std::map<CallId, Bill> last;
    for (const Told& one : told) {
      if (one.moment <= moment) last[one.call] = one.bill;
    }
    for (const auto& [call, bill] : last) {
      ASSERT_TRUE(calls.contains(call)) << "a granted call is gone";
      const Entry& entry = calls.at(call);
      if (bill != Bill::kOpen) {
        EXPECT_EQ(entry.bill, bill) << call;
        EXPECT_EQ(entry.counted(), bill == Bill::kBilled ? tokens_of(call) * kToken : 0);
      } else if (entry.bill == Bill::kUnknown) {
        EXPECT_EQ(entry.counted(), kMost * kToken) << call;
      }
    }
    EXPECT_LE(calls.size(), last.size() + 1) << "and what was never told is not there";
    expect_totals_to_add_up();
  }
};

TEST_F(PowerLossTest, WhatWasGrantedOrSettledStands) {
  LossyDisk disk;
  const auto told = make_calls(disk);
  disk.end();
  ASSERT_GE(disk.syncs(), told.size());
  const bool deep = std::getenv("VECMILL_TEST_DEEP") != nullptr;
  for (std::size_t moment = 0; moment <= disk.now(); ++moment) {
    const std::uint64_t seeds = deep ? 12 : moment % 8 == 0 ? 3 : 0;
    for (std::uint64_t seed = 0; seed < seeds; ++seed) {
      SCOPED_TRACE(std::to_string(moment) + ", seed " + std::to_string(seed));
      disk.lose_power(moment, seed, folder_);
      expect_to_stand(told, moment);
      if (HasFailure()) return;
    }
  }
}

}  // namespace
}  // namespace vecmill::ledger
