#include "vecmill/redis/client.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdlib>
#include <filesystem>
#include <thread>

#include "vecmill/redis/testing.h"

namespace vecmill::redis {
namespace {

/// Answers whoever comes with the same bytes, then closes.
class Impostor {
 public:
  explicit Impostor(std::string answer) : answer_(std::move(answer)) {
    listener_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    bind(listener_, reinterpret_cast<sockaddr*>(&address), size);
    listen(listener_, 8);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] {
      for (int peer = 0; (peer = accept(listener_, nullptr, nullptr)) >= 0; close(peer)) {
        char heard[4096];
        (void)!read(peer, heard, sizeof(heard));
        (void)!send(peer, answer_.data(), answer_.size(), MSG_NOSIGNAL);
      }
    });
  }
  ~Impostor() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }

  [[nodiscard]] ErrorKind refused() const {
    ClientOptions options;
    options.address.host = "127.0.0.1";
    options.address.port = port_;
    options.answer_within = std::chrono::seconds(5);
    auto server = Client(options).server();
    EXPECT_FALSE(server) << answer_;
    return server ? ErrorKind::kCancelled : server.error().kind;
  }

 private:
  std::string answer_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

TEST(RedisClientTest, CommandsOfACallAreAnsweredInOrder) {
  const TestServer server;
  Client client(server.client());
  const std::string binary("\0\r\n\xFF", 4);
  const std::vector<Command> commands{
      {"SET", "a", binary}, {"GET", "a"}, {"GET", "b"}, {"INCR", "a"}, {"MGET", "a", "b"}};
  const auto replies = client.call(commands).value();
  ASSERT_EQ(replies.size(), 5u);
  EXPECT_EQ(replies[1].text, binary);
  EXPECT_TRUE(replies[2].is(Reply::Kind::kNil));
  EXPECT_TRUE(replies[3].is(Reply::Kind::kError)) << "only this one";
  ASSERT_EQ(replies[4].items.size(), 2u);
  EXPECT_EQ(replies[4].items[0].text, binary);
}

TEST(RedisClientTest, AScriptIsSentAgainToAServerThatForgotIt) {
  TestServer server;
  Client client(server.client());
  const Script script("return {KEYS[1], ARGV[1], 7}");
  const std::vector<std::string> keys{"k"}, arguments{"v"};
  for (const bool forgets : {false, true, false}) {
    if (forgets) {
      server.kill();
      server.start();
    }
    const auto reply = client.run(script, keys, arguments);
    ASSERT_TRUE(reply) << reply.error().to_string();
    EXPECT_EQ(reply->items.at(1).text, "v");
    EXPECT_EQ(reply->items.at(2).integer, 7);
  }
  EXPECT_FALSE(client.run(Script("return nonsense("), keys, arguments));
}

TEST(RedisClientTest, AServerThatIsAwayCostsOneWaitAndComesBack) {
  TestServer server;
  ClientOptions options = server.client();
  options.pause_first = options.pause_most = std::chrono::hours(1);
  options.answer_within = std::chrono::milliseconds(20);
  Client resting(options);
  options.pause_first = options.pause_most = std::chrono::milliseconds(0);
  options.answer_within = std::chrono::seconds(5);
  Client eager(options);
  ASSERT_TRUE(eager.call({"PING"}));

  server.stop();
  EXPECT_EQ(resting.call({"PING"}).error().kind, ErrorKind::kUnavailable);
  server.go_on();
  EXPECT_FALSE(resting.call({"PING"})) << "not asked again for an hour";
  EXPECT_TRUE(eager.call({"PING"}));

  server.kill();
  EXPECT_EQ(eager.call({"PING"}).error().kind, ErrorKind::kUnavailable);
  server.start();
  EXPECT_TRUE(eager.call({"PING"}));
}

TEST(RedisClientTest, AnAnswerThatComesTooLateIsNotTakenForTheNextOne) {
  const TestServer server;
  ClientOptions options = server.client();
  options.pause_first = options.pause_most = std::chrono::milliseconds(0);
  Client patient(options);
  ASSERT_TRUE(patient.call({"SET", "a", "old"}));
  options.answer_within = std::chrono::milliseconds(50);
  Client client(options);
  (void)client.call({"PING"});
  server.stop();
  EXPECT_FALSE(client.call({"GET", "a"}));
  server.go_on();
  while (true) {  // on a busy machine it may be late again
    const auto echo = client.call({"ECHO", "new"});
    if (!echo) continue;
    EXPECT_EQ(echo->text, "new");
    break;
  }
}

TEST(RedisClientTest, UserAndPasswordAreAskedForAndNeverSaid) {
  const TestServer server({"--requirepass", "right-secret"});
  for (const char* password : {"", "wrong-secret", "right-secret"}) {
    ClientOptions options = server.client();
    options.address.password = Secret(password);
    const auto reply = Client(options).server();
    if (std::string(password) == "right-secret") {
      EXPECT_TRUE(reply) << reply.error().to_string();
      continue;
    }
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().kind, ErrorKind::kAuth);
    EXPECT_EQ(reply.error().to_string().find("secret"), std::string::npos);
  }
}

TEST(RedisClientTest, WhatItIsIsSaid) {
  const TestServer server({"--maxmemory-policy", "allkeys-lru"});
  const auto found = Client(server.client()).server().value();
  EXPECT_EQ(found.eviction, "allkeys-lru");
  EXPECT_FALSE(found.is_replica);
  EXPECT_FALSE(found.version.empty());
}

/// A port that was free a moment ago.
std::uint16_t free_port() {
  const int socket_of = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  bind(socket_of, reinterpret_cast<sockaddr*>(&address), size);
  getsockname(socket_of, reinterpret_cast<sockaddr*>(&address), &size);
  close(socket_of);
  return ntohs(address.sin_port);
}

TEST(RedisClientTest, TlsIsOnlySpokenWithWhoeverTheCertificateNames) {
  const std::string folder = testing::TempDir() + "vecmill-tls-" + std::to_string(getpid());
  std::filesystem::create_directories(folder);
  const std::string key = folder + "/key.pem", certificate = folder + "/cert.pem";
  const std::string make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes " +
                           ("-keyout " + key + " -out " + certificate) +
                           " -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost" +
                           " 2> /dev/null";
  ASSERT_EQ(std::system(make.c_str()), 0);
  const std::uint16_t port = free_port();
  const TestServer server({"--tls-port", std::to_string(port), "--tls-cert-file", certificate,
                           "--tls-key-file", key, "--tls-ca-cert-file", certificate,
                           "--tls-auth-clients", "no"});
  const auto reply = [&](const std::string& host, const std::string& ca, bool tls = true) {
    ClientOptions options = server.client();
    options.address = {};
    options.address.host = host;
    options.address.port = port;
    options.address.tls = tls;
    options.ca_file = ca;
    return Client(options).call({"ECHO", std::string(100'000, 'x')});
  };
  const auto good = reply("localhost", certificate);
  ASSERT_TRUE(good) << good.error().to_string();
  EXPECT_EQ(good->text.size(), 100'000u);
  EXPECT_EQ(reply("127.0.0.1", certificate).error().kind, ErrorKind::kAuth) << "not its name";
  EXPECT_EQ(reply("localhost", "").error().kind, ErrorKind::kAuth) << "signed by nobody known";
  EXPECT_EQ(reply("localhost", folder + "/none").error().kind, ErrorKind::kAuth);
  EXPECT_FALSE(reply("localhost", certificate, false)) << "no TLS";
  std::filesystem::remove_all(folder);
}

std::string info(const std::string& text) {
  return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
}

TEST(RedisClientTest, WhatIsNoRedisOrTooOldIsRefused) {
  for (const std::string answer :
       {"HTTP/1.1 400 Bad Request\r\n\r\n", "+OK\r\n", "*1000000000\r\n", "$-7\r\n", ":1\r\n",
        "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n"}) {
    EXPECT_EQ(Impostor(answer).refused(), ErrorKind::kInvalidData) << answer;
  }
  EXPECT_EQ(Impostor(info("redis_version:x\r\n")).refused(), ErrorKind::kInvalidData);
  EXPECT_EQ(Impostor(info("redis_version:5.0.14\r\n")).refused(), ErrorKind::kUnsupported);
  EXPECT_EQ(Impostor(info("redis_version:7.0.0\nloading:1")).refused(), ErrorKind::kUnavailable);
  EXPECT_EQ(Impostor("").refused(), ErrorKind::kUnavailable);
}

}  // namespace
}  // namespace vecmill::redis
