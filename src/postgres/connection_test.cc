#include "vecmill/postgres/connection.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "vecmill/postgres/testing.h"

namespace vecmill::postgres {
namespace {

/// In the place of a server that is dead: hangs up on everybody, and counts them.
class DeadServer {
 public:
  explicit DeadServer(const std::filesystem::path& path) : path_(path) {
    std::filesystem::remove(path_);
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    path_.string().copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(listen(socket_, 8), 0);
    thread_ = std::jthread([this] {
      for (int one; (one = accept(socket_, nullptr, nullptr)) >= 0; close(one)) ++callers_;
    });
  }
  ~DeadServer() {
    shutdown(socket_, SHUT_RDWR);
    thread_.join();
    close(socket_);
    std::filesystem::remove(path_);
  }
  DeadServer(const DeadServer&) = delete;
  DeadServer& operator=(const DeadServer&) = delete;

  /// Since the last question.
  int callers() { return callers_.exchange(0); }

 private:
  const std::filesystem::path path_;
  const int socket_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::atomic<int> callers_ = 0;
  std::jthread thread_;
};

TEST(ConnectionTest, AServerThatWasWaitedForInVainIsTriedOnceByEachCall) {
  const auto server = TestServer::begin();
  if (!server) GTEST_SKIP() << "Debian's postgresql-15 is not installed";
  auto connection = Connection::open(*parse_database(server->url()),
                                     {.patience = std::chrono::milliseconds(400)});
  ASSERT_TRUE(connection);
  for (int round = 0; round < 2; ++round) {
    server->kill();
    {
      DeadServer dead(server->socket());
      while (connection->run("SELECT 1")) {
      }  // what served the session outlives its server for a moment
      EXPECT_GT(dead.callers(), 1) << "it is waited for";
      for (int n = 0; n < 3; ++n) {
        EXPECT_EQ(connection->run("SELECT 1").error().kind, ErrorKind::kUnavailable);
        EXPECT_EQ(dead.callers(), 1);
      }
    }
    server->start();
    EXPECT_TRUE(connection->run("SELECT 1")) << "and asked again, and then waited for as before";
  }
}

}  // namespace
}  // namespace vecmill::postgres
