#include "vecmill/engine/skip_done.h"

#include <gtest/gtest.h>

#include <set>

namespace vecmill::engine {
namespace {

/// Records "0", "1", ...
class Numbers : public Source {
 public:
  explicit Numbers(std::size_t count) : count_(count) {}
  Result<std::vector<Record>> next(std::size_t count) override {
    std::vector<Record> records;
    for (; records.size() < count && at_ < count_; ++at_) {
      records.push_back({std::to_string(at_), std::string(at_ % 100 == 0 ? 500'000 : 10, 'x'), {}});
    }
    return records;
  }
  [[nodiscard]] std::string position() const override { return std::to_string(at_); }
  Status seek(const std::string& position) override {
    at_ = std::stoul(position);
    return {};
  }

 private:
  std::size_t at_ = 0;
  const std::size_t count_;
};

/// Every seventh is done, and what was returned before.
struct Done {
  std::set<std::string> others;
  std::size_t most = 0;
  Result<std::vector<bool>> operator()(std::span<const Record> records) {
    std::vector<bool> done;
    most = std::max(most, records.size());
    for (const Record& record : records) {
      done.push_back(std::stoul(record.id) % 7 == 0 || others.contains(record.id));
    }
    return done;
  }
};

std::vector<std::string> ids_of(SkipDone& source) {
  std::vector<std::string> ids;
  for (;;) {
    const auto records = source.next(50).value();
    if (records.empty()) return ids;
    for (const Record& record : records) ids.push_back(record.id);
  }
}

TEST(SkipDoneTest, OnlyWhatIsNotDoneComesThrough) {
  Done done;
  SkipDone source(std::make_unique<Numbers>(7000), std::ref(done));
  const auto ids = ids_of(source);
  EXPECT_EQ(ids.size(), 6000U);
  EXPECT_EQ(source.skipped(), 1000U);
  EXPECT_EQ(ids[0] + " " + ids[5999], "1 6999");
  EXPECT_GT(done.most, 100U);
  EXPECT_LT(done.most, 1025U);
}

TEST(SkipDoneTest, GoesBackToWhereAnyRecordEnded) {
  SkipDone source(std::make_unique<Numbers>(3000), Done{});
  for (std::size_t passed = 0; passed < 2571; ++passed) {
    ASSERT_EQ(source.next(1).value().size(), 1U);
    if (passed % 301 != 0) continue;
    Done done;  // what was returned is done meanwhile, which changes nothing
    for (int id = 0; id < 3000; id += 5) done.others.insert(std::to_string(id));
    SkipDone again(std::make_unique<Numbers>(3000), Done{});
    ASSERT_TRUE(again.seek(source.position()));
    EXPECT_EQ(again.position(), source.position());
    EXPECT_EQ(ids_of(again).size(), 2571 - passed - 1);
    SkipDone later(std::make_unique<Numbers>(3000), std::ref(done));
    ASSERT_TRUE(later.seek(source.position()));
    EXPECT_EQ(later.position(), source.position());
  }
  EXPECT_FALSE(source.seek("x 1"));
  EXPECT_FALSE(source.seek("99999 0"));
}

TEST(SkipDoneTest, AnErrorOfEitherSideIsTheRuns) {
  SkipDone source(std::make_unique<Numbers>(10), [](std::span<const Record>) {
    return Result<std::vector<bool>>(make_error(ErrorKind::kUnavailable, "away"));
  });
  EXPECT_EQ(source.next(1).error().kind, ErrorKind::kUnavailable);
}

}  // namespace
}  // namespace vecmill::engine
