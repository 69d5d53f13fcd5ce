#include "vecmill/source/qdrant_source.h"

#include <gtest/gtest.h>

#include "vecmill/qdrant/testing.h"

namespace vecmill::source {
namespace {

using qdrant::TestingServer;

class QdrantSourceTest : public testing::Test {
 protected:
  QdrantSourceTest() {
    server.collection = TestingServer::Json::object();
    for (int i = 100; i < 900; ++i) {
      const std::string text =
          "text " + std::to_string(i) + std::string(i % 3 == 0 ? 9000 : 9, 'x');
      server.points[std::to_string(i)] = {{"id", i}, {"payload", {{"text", text}, {"n", i}}}};
    }
  }

  std::unique_ptr<QdrantSource> open(const std::string& parameters = {}) {
    auto source = QdrantSource::open(qdrant::parse_url(server.url(parameters)).value(), {});
    EXPECT_TRUE(source) << source.error().to_string();
    return *std::move(source);
  }

  static std::vector<std::string> ids_of(Source& source, std::size_t at_once) {
    std::vector<std::string> ids;
    for (;;) {
      const auto records = source.next(at_once).value();
      if (records.empty()) return ids;
      for (const Record& record : records) ids.push_back(record.id);
    }
  }

  TestingServer server;
};

TEST_F(QdrantSourceTest, EveryPointOnceWhateverIsTakenAtOnce) {
  for (const std::size_t at_once : {1, 7, 64, 10'000}) {
    const auto source = open();
    EXPECT_EQ(source->total(), 800U);
    const auto ids = ids_of(*source, at_once);
    ASSERT_EQ(ids.size(), 800U);
    for (std::size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(ids[i], std::to_string(100 + i));
  }
}

TEST_F(QdrantSourceTest, GoesOnBehindAnyRecord) {
  const auto source = open();
  for (std::size_t done = 0;; ++done) {
    if (done % 97 == 0) {
      const auto other = open();
      ASSERT_TRUE(other->seek(source->position()));
      EXPECT_EQ(other->position(), source->position());
      EXPECT_EQ(ids_of(*other, 64).size(), 800 - done);
    }
    if (source->next(1).value().empty()) break;
  }
  EXPECT_FALSE(source->seek("12:34"));
}

TEST_F(QdrantSourceTest, AReplyThatIsTooLongIsAskedForInParts) {
  std::size_t smallest = 16;
  server.before = [&](const TestingServer::Request& request) {
    if (request.target.find("scroll") == std::string::npos) return std::optional<std::string>();
    const std::size_t limit = TestingServer::Json::parse(request.body)["limit"];
    smallest = std::min(smallest, limit);
    if (limit <= 4) return std::optional<std::string>();
    return std::optional(http::LoopbackServer::reply(413, ""));
  };
  EXPECT_EQ(ids_of(*open(), 64).size(), 800U);
  EXPECT_EQ(smallest, 2U);  // of the first look at the names of the fields
}

TEST_F(QdrantSourceTest, PointsWithoutATextAreLeftOut) {
  server.points["100"]["payload"]["text"] = nullptr;
  server.points["101"]["payload"] = nullptr;
  server.points["102"]["payload"]["_vecmill"] = {{"record", {{"space", "s"}}}};
  EXPECT_EQ(ids_of(*open("?text=text"), 64).size(), 797U);
  server.points["103"]["payload"]["text"] = 4;
  const auto odd = open("?text=text")->next(64);
  EXPECT_NE(odd.error().message.find("the point 103 has a \"text\" that is no text"),
            std::string::npos);
  EXPECT_NE(open("?text=nothing")->next(64).error().message.find("no point has a field"),
            std::string::npos);
}

}  // namespace
}  // namespace vecmill::source
