#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <map>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace vecmill::http {

/// For tests: answers HTTP requests on a free port of this machine with whatever bytes it is told.
class LoopbackServer {
 public:
  struct Request {
    std::string method, target;
    std::map<std::string, std::string> headers;  ///< names in lower case
    std::string body;
  };
  /// Gives the whole reply, head and body. The connection is closed behind it, unless the reply has
  /// the header "Connection: keep-alive".
  using Handler = std::function<std::string(const Request&)>;
  /// Does what it likes with the connection, which is closed behind it.
  using Talk = std::function<void(int connection, const Request&)>;

  explicit LoopbackServer(Handler handler) : LoopbackServer(std::move(handler), nullptr) {}
  explicit LoopbackServer(Talk talk) : LoopbackServer(nullptr, std::move(talk)) {}
  ~LoopbackServer() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }

  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

  [[nodiscard]] std::vector<Request> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

  /// Sends it all; false when the other side is gone.
  static bool put(int connection, const std::string& bytes) {
    for (std::size_t sent = 0; sent < bytes.size();) {
      const ssize_t now = send(connection, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (now <= 0) return false;
      sent += static_cast<std::size_t>(now);
    }
    return true;
  }

  static std::string reply(int status, const std::string& body, const std::string& headers = {}) {
    return "HTTP/1.1 " + std::to_string(status) +
           " X\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
           headers + "\r\n" + body;
  }

  /// Connections so far.
  [[nodiscard]] int connections() const { return connections_; }

  static void wait_until_gone(int connection) {
    char byte = 0;
    while (recv(connection, &byte, 1, 0) > 0) continue;
  }

 private:
  LoopbackServer(Handler handler, Talk talk)
      : handler_(std::move(handler)), talk_(std::move(talk)) {
    setenv("no_proxy", "127.0.0.1", 1);
    listener_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    listen(listener_, 64);
    socklen_t size = sizeof address;
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }

  void serve() {
    for (;;) {
      const int connection = accept(listener_, nullptr, nullptr);
      if (connection < 0) return;
      ++connections_;
      while (answer(connection)) continue;
      close(connection);
    }
  }

  /// Whether the connection is kept.
  bool answer(int connection) {
    std::string head;
    if (!receive(connection, head, [&] { return head.find("\r\n\r\n") != std::string::npos; })) {
      return false;
    }
    const std::size_t end = head.find("\r\n\r\n") + 4;
    Request request = parse(head.substr(0, end));
    request.body = head.substr(end);
    const auto length = request.headers.find("content-length");
    const std::size_t size = length == request.headers.end() ? 0 : std::stoul(length->second);
    if (!receive(connection, request.body, [&] { return request.body.size() >= size; })) {
      return false;
    }
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(request);
    }
    if (talk_) {
      talk_(connection, request);
      return false;
    }
    const std::string reply = handler_(request);
    return put(connection, reply) && reply.find("Connection: keep-alive") != std::string::npos;
  }

  template <class Done>
  static bool receive(int connection, std::string& into, Done done) {
    char piece[4096];
    while (!done()) {
      const ssize_t got = recv(connection, piece, sizeof piece, 0);
      if (got <= 0) return false;
      into.append(piece, static_cast<std::size_t>(got));
    }
    return true;
  }

  static Request parse(const std::string& head) {
    std::istringstream lines(head);
    Request request;
    lines >> request.method >> request.target;
    std::string line;
    std::getline(lines, line);
    while (std::getline(lines, line) && line != "\r") {
      const std::size_t colon = line.find(':');
      std::string name = line.substr(0, colon);
      for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      request.headers[name] = line.substr(colon + 2, line.size() - colon - 3);
    }
    return request;
  }

  Handler handler_;
  Talk talk_;
  std::atomic<int> connections_ = 0;
  int listener_ = -1;
  int port_ = 0;
  mutable std::mutex mutex_;
  std::vector<Request> requests_;
  std::thread thread_;
};

}  // namespace vecmill::http
