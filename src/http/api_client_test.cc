#include "vecmill/http/api_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <future>

#include "vecmill/http/loopback_server.h"

namespace vecmill::http {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

const LoopbackServer::Handler kOk = [](const LoopbackServer::Request&) {
  return LoopbackServer::reply(200, "fine");
};

/// Takes the request and says nothing until the other side gives up.
const LoopbackServer::Talk kBlackHole = [](int connection, const LoopbackServer::Request&) {
  LoopbackServer::wait_until_gone(connection);
};

ErrorKind kind_of(const Result<ApiReply>& reply) {
  EXPECT_FALSE(reply);
  return reply ? ErrorKind::kIo : reply.error().kind;
}

TEST(ApiClientTest, SendsABodyAndBringsStatusHeadersAndBody) {
  LoopbackServer server([](const LoopbackServer::Request& request) {
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.target, "/v1/things");
    EXPECT_EQ(request.headers.at("authorization"), "Bearer k");
    EXPECT_FALSE(request.headers.contains("expect"));
    return LoopbackServer::reply(429, "slower: " + std::to_string(request.body.size()),
                                 "Retry-After: 7\r\nX-RateLimit-Remaining-Requests: 0\r\n");
  });
  ApiClient client;
  const auto reply = client.send({.url = server.url() + "/v1/things",
                                  .headers = {{"Authorization", "Bearer k"}},
                                  .body = std::string(2'000'000, 'b')});
  ASSERT_TRUE(reply) << reply.error().to_string();
  EXPECT_EQ(reply->status, 429);
  EXPECT_EQ(reply->body, "slower: 2000000");
  EXPECT_EQ(find_header(reply->headers, "retry-after"), "7");
  EXPECT_EQ(find_header(reply->headers, "x-ratelimit-remaining-requests"), "0");
  EXPECT_EQ(find_header(reply->headers, "x-nothing"), "");
}

TEST(ApiClientTest, AGetHasNoBody) {
  LoopbackServer server([](const LoopbackServer::Request& request) {
    EXPECT_EQ(request.method, "GET");
    return LoopbackServer::reply(200, "{}");
  });
  ApiClient client;
  EXPECT_TRUE(client.send({.method = "GET", .url = server.url() + "/info"}));
}

TEST(ApiClientTest, KeepsTheConnection) {
  LoopbackServer server([](const LoopbackServer::Request&) {
    return std::string("HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok");
  });
  ApiClient client;
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(client.send({.url = server.url(), .body = "x"}));
  EXPECT_EQ(server.requests().size(), 5u);
  EXPECT_EQ(server.connections(), 1);
}

TEST(ApiClientTest, ManyAtOnceEachGetTheirOwnReply) {
  LoopbackServer server([](const LoopbackServer::Request& request) {
    return LoopbackServer::reply(200, "re " + request.body);
  });
  ApiClient client;
  constexpr std::size_t kRequests = 50;
  std::vector<std::promise<std::string>> bodies(kRequests);
  for (std::size_t i = 0; i < kRequests; ++i) {
    client.start({.url = server.url(), .body = std::to_string(i)},
                 [&, i](Result<ApiReply> reply, Sent) {
                   bodies[i].set_value(reply ? reply->body : reply.error().to_string());
                 });
  }
  for (std::size_t i = 0; i < kRequests; ++i) {
    EXPECT_EQ(bodies[i].get_future().get(), "re " + std::to_string(i));
  }
}

TEST(ApiClientTest, TheDeadlineIsForAllOfItAndNotForEachByte) {
  LoopbackServer drip([](int connection, const LoopbackServer::Request&) {
    LoopbackServer::put(connection, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
    pollfd gone{connection, POLLRDHUP, 0};
    while (poll(&gone, 1, 1) == 0 && LoopbackServer::put(connection, "x")) continue;
  });
  LoopbackServer black_hole(kBlackHole);
  for (const auto* server : {&drip, &black_hole}) {
    ApiClient client;
    const auto reply = client.send({.url = server->url(), .deadline = milliseconds(40)});
    EXPECT_EQ(kind_of(reply), ErrorKind::kUnavailable);
  }
}

/// Says what it is told, and the rest when the future is ready or the other side is gone.
LoopbackServer::Talk in_two_parts(std::string now, std::shared_future<void> go, std::string later) {
  return [=](int connection, const LoopbackServer::Request&) {
    LoopbackServer::put(connection, now);
    go.wait();
    LoopbackServer::put(connection, later);
  };
}

TEST(ApiClientTest, AServerMayThinkLongerThanAReplyMayStop) {
  for (const std::string before : {"", "HTTP/1.1 102 Processing\r\n\r\n"}) {
    std::promise<void> go;
    LoopbackServer thinks(in_two_parts(before, go.get_future(), LoopbackServer::reply(200, "42")));
    LoopbackServer stops([](int connection, const LoopbackServer::Request&) {
      LoopbackServer::put(connection, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx");
      LoopbackServer::wait_until_gone(connection);
    });
    ApiClientOptions options;
    options.stall_timeout = milliseconds(50);
    ApiClient client(options);
    std::promise<std::string> body;
    client.start({.url = thinks.url()}, [&](Result<ApiReply> reply, Sent) {
      body.set_value(reply ? reply->body : reply.error().to_string());
    });
    // It starts later: when it has been given up, the other has waited for longer.
    std::promise<Sent> sent;
    client.start({.url = stops.url()}, [&](Result<ApiReply> reply, Sent was) {
      EXPECT_EQ(kind_of(reply), ErrorKind::kUnavailable);
      EXPECT_THAT(reply.error().message, HasSubstr("stopped in the middle"));
      sent.set_value(was);
    });
    EXPECT_EQ(sent.get_future().get(), Sent::kYes);
    go.set_value();
    EXPECT_EQ(body.get_future().get(), "42");
  }
}

TEST(ApiClientTest, AReplyThatTricklesIsGivenUp) {
  LoopbackServer drip([](int connection, const LoopbackServer::Request&) {
    LoopbackServer::put(connection, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
    pollfd gone{connection, POLLRDHUP, 0};
    while (poll(&gone, 1, 5) == 0 && LoopbackServer::put(connection, "x")) continue;
  });
  ApiClientOptions options;
  options.stall_timeout = milliseconds(50);
  options.stall_bytes = 10'000;
  ApiClient slow(options);
  EXPECT_EQ(kind_of(slow.send({.url = drip.url()})), ErrorKind::kUnavailable);
}

TEST(ApiClientTest, ALongerReplyThanAskedForIsAnError) {
  LoopbackServer body(kOk);
  LoopbackServer head([](const LoopbackServer::Request&) {
    std::string headers;
    for (int i = 0; i < 100; ++i) headers += "X: " + std::string(1000, 'h') + "\r\n";
    return LoopbackServer::reply(200, "", headers);
  });
  ApiClient client;
  EXPECT_TRUE(client.send({.url = body.url(), .max_bytes = 4}));
  EXPECT_EQ(kind_of(client.send({.url = body.url(), .max_bytes = 3})), ErrorKind::kInvalidData);
  EXPECT_EQ(kind_of(client.send({.url = head.url()})), ErrorKind::kInvalidData);
}

TEST(ApiClientTest, ARedirectIsAnErrorAndTheKeyStaysHere) {
  LoopbackServer elsewhere(kOk);
  for (const int status : {301, 302, 307, 308}) {
    LoopbackServer server([&](const LoopbackServer::Request&) {
      return LoopbackServer::reply(status, "", "Location: " + elsewhere.url() + "\r\n");
    });
    ApiClient client;
    EXPECT_EQ(kind_of(client.send({.url = server.url()})), ErrorKind::kInvalidArgument) << status;
  }
  EXPECT_TRUE(elsewhere.requests().empty());
}

TEST(ApiClientTest, ItIsKnownWhetherAnythingWasSent) {
  std::string nobody;
  {
    const LoopbackServer gone(kOk);
    nobody = gone.url();
  }
  LoopbackServer black_hole(kBlackHole);
  const auto sent = [](const std::string& url) {
    ApiClient client;
    std::promise<Sent> told;
    client.start({.url = url, .deadline = milliseconds(40)}, [&](Result<ApiReply> reply, Sent was) {
      EXPECT_FALSE(reply);
      told.set_value(was);
    });
    return told.get_future().get();
  };
  EXPECT_EQ(sent(nobody), Sent::kNo);
  EXPECT_EQ(sent("http://example.com/"), Sent::kNo);
  EXPECT_EQ(sent(black_hole.url()), Sent::kYes);
}

TEST(ApiClientTest, WhatIsResetOrCutShortIsUnavailable) {
  LoopbackServer reset([](int connection, const LoopbackServer::Request&) {
    const linger at_once{1, 0};
    setsockopt(connection, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  });
  const std::string whole = LoopbackServer::reply(200, "0123456789");
  LoopbackServer cut_short(
      [&](const LoopbackServer::Request&) { return whole.substr(0, whole.size() - 1); });
  LoopbackServer no_http([](const LoopbackServer::Request&) { return "220 ESMTP\r\n"; });
  ApiClient client;
  for (const auto* server : {&reset, &cut_short, &no_http}) {
    EXPECT_EQ(kind_of(client.send({.url = server->url()})), ErrorKind::kUnavailable);
  }
}

TEST(ApiClientTest, ACancelledCallEndsAndTheOthersGoOn) {
  LoopbackServer black_hole(kBlackHole);
  LoopbackServer server(kOk);
  ApiClient client;
  std::promise<ErrorKind> kind;
  const auto call = client.start({.url = black_hole.url()}, [&](Result<ApiReply> reply, Sent) {
    kind.set_value(kind_of(reply));
  });
  EXPECT_TRUE(client.send({.url = server.url()}));
  client.cancel(call);
  EXPECT_EQ(kind.get_future().get(), ErrorKind::kCancelled);
  client.cancel(call);
  EXPECT_TRUE(client.send({.url = server.url()}));
}

TEST(ApiClientTest, AStopTokenEndsTheWait) {
  std::stop_source stop;
  LoopbackServer server([&](int connection, const LoopbackServer::Request&) {
    stop.request_stop();
    LoopbackServer::wait_until_gone(connection);
  });
  ApiClient client;
  EXPECT_EQ(kind_of(client.send({.url = server.url()}, stop.get_token())), ErrorKind::kCancelled);
}

TEST(ApiClientTest, WhatIsUnderWayAtTheEndIsCancelled) {
  LoopbackServer black_hole(kBlackHole);
  std::atomic<int> ended = 0;
  {
    ApiClient client;
    for (int i = 0; i < 3; ++i) {
      client.start({.url = black_hole.url()}, [&](Result<ApiReply> reply, Sent) {
        ended += kind_of(reply) == ErrorKind::kCancelled ? 1 : 0;
      });
    }
  }
  EXPECT_EQ(ended, 3);
}

TEST(ApiClientTest, WithoutTlsOnlyToThisMachineOrOneThatIsNamed) {
  for (const char* url :
       {"http://api.example/v1", "http://127.0.0.1.example/", "http://localhost.example/",
        "http://127.0.0.1@api.example/", "http://10.0.0.1/", "http://[::2]/"}) {
    ApiClient client;
    EXPECT_EQ(kind_of(client.send({.url = url})), ErrorKind::kInvalidArgument) << url;
  }
  ApiClientOptions options;
  options.plain_host = "inside.invalid";
  ApiClient client(options);
  EXPECT_EQ(kind_of(client.send({.url = "http://inside.invalid/"})), ErrorKind::kUnavailable);
  EXPECT_EQ(kind_of(client.send({.url = "http://outside.invalid/"})), ErrorKind::kInvalidArgument);
}

TEST(ApiClientTest, NoProxyComesBetweenUsAndThisMachine) {
  LoopbackServer proxy(kOk);
  LoopbackServer server(kOk);
  unsetenv("no_proxy");
  setenv("http_proxy", proxy.url().c_str(), 1);
  ApiClientOptions options;
  options.plain_host = "inside.invalid";
  ApiClient client(options);
  EXPECT_TRUE(client.send({.url = server.url()}));
  EXPECT_TRUE(proxy.requests().empty());
  EXPECT_TRUE(client.send({.url = "http://inside.invalid/"}));
  EXPECT_EQ(proxy.requests().size(), 1u);
  unsetenv("http_proxy");
  setenv("no_proxy", "127.0.0.1", 1);
}

TEST(ApiClientTest, RefusesWhatIsNoRequest) {
  ApiClient client;
  for (const char* url : {"", "api.example", "file:///etc/passwd", "https://", "http://[/"}) {
    EXPECT_EQ(kind_of(client.send({.url = url})), ErrorKind::kInvalidArgument) << url;
  }
  const auto reply =
      client.send({.url = "https://127.0.0.1:1/", .headers = {{"A", "secret\r\nB: c"}}});
  EXPECT_EQ(kind_of(reply), ErrorKind::kInvalidArgument);
  EXPECT_THAT(reply.error().to_string(), ::testing::Not(HasSubstr("secret")));
}

}  // namespace
}  // namespace vecmill::http
