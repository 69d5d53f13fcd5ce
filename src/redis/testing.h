#pragma once

#include <chrono>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "vecmill/base/server_process_testing.h"
#include "vecmill/redis/client.h"

namespace vecmill::redis {

/// A real server of a test, on a socket in a folder of its own; ends with the object.
class TestServer {
 public:
  explicit TestServer(std::vector<std::string> options = {}) : options_(std::move(options)) {
    start();
  }

  /// Returns when it answers.
  void start() {
    std::vector<std::string> words{"redis-server",
                                   "--port",
                                   "0",
                                   "--unixsocket",
                                   socket(),
                                   "--save",
                                   "",
                                   "--appendonly",
                                   "no",
                                   "--daemonize",
                                   "no",
                                   "--dir",
                                   process_.folder().string()};
    words.insert(words.end(), options_.begin(), options_.end());
    process_.start(std::move(words));
    ClientOptions options = client();
    options.pause_first = options.pause_most = std::chrono::milliseconds(0);
    Client probe(options);
    while (true) {
      const auto server = probe.server();
      if (server || server.error().kind != ErrorKind::kUnavailable) return;
      if (process_.ended()) {
        throw std::runtime_error("redis-server does not start; is it there? run tools/setup.sh");
      }
      std::this_thread::yield();
    }
  }

  /// Like a loss of power: nothing is written down.
  void kill() {
    process_.kill();
    std::filesystem::remove(socket());
  }
  void stop() const { process_.send(SIGSTOP); }
  void go_on() const { process_.send(SIGCONT); }

  [[nodiscard]] std::string socket() const { return (process_.folder() / "s").string(); }
  [[nodiscard]] std::string url() const { return "unix://" + socket(); }

  /// Quick to give up and to try again, patient with a machine that is busy.
  [[nodiscard]] ClientOptions client() const {
    ClientOptions options;
    options.address.socket = socket();
    options.answer_within = std::chrono::seconds(5);
    options.pause_first = options.pause_most = std::chrono::milliseconds(1);
    return options;
  }

 private:
  std::vector<std::string> options_;
  ServerProcess process_{"redis"};
};

}  // namespace vecmill::redis
