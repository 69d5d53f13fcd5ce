#include "vecmill/http/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "vecmill/http/loopback_server.h"

namespace vecmill::http {
namespace {

using ::testing::HasSubstr;

/// What a request brought.
struct Got {
  int status = 0;
  std::string head_header;
  std::string body;
};

Result<Got> get(Client& client, const Request& request) {
  Got got;
  Receiver receiver;
  receiver.head = [&](const Reply& reply) -> Status {
    EXPECT_TRUE(got.body.empty());
    got.status = reply.status;
    for (const Header& header : reply.headers) {
      if (header.name == "X-Test") got.head_header = header.value;
    }
    return {};
  };
  receiver.body = [&](std::string_view piece) -> Status {
    got.body += piece;
    return {};
  };
  VECMILL_ASSIGN(const Reply reply, client.send(request, receiver));
  EXPECT_EQ(reply.status, got.status);
  return got;
}

Result<Got> get(const LoopbackServer& server, std::uint64_t max_bytes = 0) {
  Client client;
  return get(client, {.url = server.url() + "/x", .max_bytes = max_bytes});
}

TEST(HttpClientTest, BringsHeadAndBody) {
  const std::string body(500'000, 'b');
  LoopbackServer server([&](const LoopbackServer::Request& request) {
    EXPECT_EQ(request.method, "GET");
    EXPECT_EQ(request.target, "/x");
    EXPECT_EQ(request.headers.at("accept"), "*/*");
    return LoopbackServer::reply(200, body, "X-Test:  spaced out \r\n");
  });
  const auto got = get(server);
  ASSERT_TRUE(got) << got.error().to_string();
  EXPECT_EQ(got->status, 200);
  EXPECT_EQ(got->head_header, "spaced out");
  EXPECT_EQ(got->body, body);
}

TEST(HttpClientTest, ErrorsAndRedirectsAreRepliesLikeAnyOther) {
  for (const int status : {204, 302, 404, 503}) {
    LoopbackServer server([&](const LoopbackServer::Request&) {
      return LoopbackServer::reply(status, "", "Location: /elsewhere\r\n");
    });
    const auto got = get(server);
    ASSERT_TRUE(got) << status;
    EXPECT_EQ(got->status, status);
    EXPECT_EQ(server.requests().size(), 1u);
  }
}

TEST(HttpClientTest, AHeadHasNoBody) {
  LoopbackServer server([](const LoopbackServer::Request& request) {
    EXPECT_EQ(request.method, "HEAD");
    return std::string("HTTP/1.1 200 OK\r\nContent-Length: 7\r\nX-Test: y\r\n\r\n");
  });
  Client client;
  const auto got = get(client, {.method = "HEAD", .url = server.url()});
  ASSERT_TRUE(got) << got.error().to_string();
  EXPECT_EQ(got->head_header, "y");
  EXPECT_EQ(got->body, "");
}

TEST(HttpClientTest, WhatIsCutOffOrNoHttpIsUnavailable) {
  const std::string whole = LoopbackServer::reply(200, "0123456789");
  for (const std::string& reply :
       {std::string(), whole.substr(0, 10), whole.substr(0, whole.size() - 3),
        std::string("220 mail.example ESMTP\r\n")}) {
    LoopbackServer server([&](const LoopbackServer::Request&) { return reply; });
    const auto got = get(server);
    ASSERT_FALSE(got) << reply;
    EXPECT_EQ(got.error().kind, ErrorKind::kUnavailable) << reply;
  }
}

TEST(HttpClientTest, ALongerBodyThanAllowedIsAnError) {
  LoopbackServer server([](const LoopbackServer::Request&) {
    return LoopbackServer::reply(200, std::string(1000, 'x'));
  });
  EXPECT_TRUE(get(server, 1000));
  const auto got = get(server, 999);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, ErrorKind::kInvalidData);
}

TEST(HttpClientTest, TheReceiverCanEndIt) {
  LoopbackServer server(
      [](const LoopbackServer::Request&) { return LoopbackServer::reply(200, "body"); });
  const Error mine = make_error(ErrorKind::kIo, "disk full");
  Client client;
  Receiver receiver;
  receiver.body = [&](std::string_view) -> Status { return mine; };
  EXPECT_EQ(client.send({.url = server.url()}, receiver).error().message, "disk full");
  receiver.head = [&](const Reply&) -> Status { return mine; };
  receiver.body = [](std::string_view) -> Status {
    ADD_FAILURE();
    return {};
  };
  EXPECT_EQ(client.send({.url = server.url()}, receiver).error().message, "disk full");
  EXPECT_EQ(client.send({.method = "HEAD", .url = server.url()}, receiver).error().kind,
            ErrorKind::kIo);
}

TEST(HttpClientTest, StopsWhenItIsTold) {
  LoopbackServer server([](const LoopbackServer::Request&) {
    return LoopbackServer::reply(200, std::string(8 << 20, 'x'));
  });
  std::stop_source stop;
  ClientOptions options;
  options.stop = stop.get_token();
  Client client(options);
  Receiver receiver;
  receiver.body = [&](std::string_view) -> Status {
    stop.request_stop();
    return {};
  };
  const auto reply = client.send({.url = server.url()}, receiver);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().kind, ErrorKind::kCancelled);
}

TEST(HttpClientTest, TheProxyComesFromTheEnvironment) {
  LoopbackServer proxy([](const LoopbackServer::Request& request) {
    EXPECT_EQ(request.target, "http://hub.invalid/x");
    return LoopbackServer::reply(200, "by proxy");
  });
  setenv("http_proxy", proxy.url().c_str(), 1);
  Client client;
  const auto got = get(client, {.url = "http://hub.invalid/x"});
  unsetenv("http_proxy");
  ASSERT_TRUE(got) << got.error().to_string();
  EXPECT_EQ(got->body, "by proxy");
}

TEST(HttpClientTest, ADeadlineEndsWhatNeverAnswers) {
  std::promise<void> done;
  LoopbackServer server([&](const LoopbackServer::Request&) {
    done.get_future().wait();
    return LoopbackServer::reply(200, "late");
  });
  Client client;
  const auto got = get(client, {.url = server.url(), .deadline = std::chrono::milliseconds(50)});
  done.set_value();
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, ErrorKind::kUnavailable);
}

TEST(HttpClientTest, RefusesWhatIsNoRequest) {
  Client client;
  for (const char* url : {"", "file:///etc/passwd", "ftp://x/", "huggingface.co"}) {
    EXPECT_EQ(get(client, {.url = url}).error().kind, ErrorKind::kInvalidArgument) << url;
  }
  for (const char* value : {"a\r\nX-Injected: 1", "a\nb"}) {
    const auto got = get(client, {.url = "http://127.0.0.1:1/", .headers = {{"X", value}}});
    EXPECT_EQ(got.error().kind, ErrorKind::kInvalidArgument);
  }
}

TEST(HttpClientTest, ErrorsShowNeitherUserNorQuery) {
  Client client;
  const auto got = get(client, {.url = "http://me:secret@127.0.0.1:1/path?signature=secret"});
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, ErrorKind::kUnavailable);
  EXPECT_EQ(got.error().where, "http://127.0.0.1:1/path");
  EXPECT_THAT(got.error().to_string(), ::testing::Not(HasSubstr("secret")));
}

}  // namespace
}  // namespace vecmill::http
