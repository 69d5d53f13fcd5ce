#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "vecmill/redis/client.h"

namespace vecmill::redis {

/// A real server of a test, on a socket in a folder of its own; ends with the object.
class TestServer {
 public:
  explicit TestServer(std::vector<std::string> options = {}) : options_(std::move(options)) {
    static std::atomic<int> count = 0;
    folder_ = std::filesystem::temp_directory_path() /
              ("vecmill-redis-" + std::to_string(getpid()) + "-" + std::to_string(count++));
    std::filesystem::create_directories(folder_);
    start();
  }
  ~TestServer() {
    kill();
    std::filesystem::remove_all(folder_);
  }
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  /// Returns when it answers.
  void start() {
    std::vector<std::string> arguments{
        "redis-server", "--port", "0",           "--unixsocket", socket(), "--save",        "",
        "--appendonly", "no",     "--daemonize", "no",           "--dir",  folder_.string()};
    arguments.insert(arguments.end(), options_.begin(), options_.end());
    std::vector<char*> raw;
    for (std::string& argument : arguments) raw.push_back(argument.data());
    raw.push_back(nullptr);
    process_ = fork();
    if (process_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test that crashes leaves nothing behind
      const int nowhere = open("/dev/null", O_WRONLY);
      dup2(nowhere, 1);
      dup2(nowhere, 2);
      execvp("redis-server", raw.data());
      _exit(127);
    }
    ClientOptions options = client();
    options.pause_first = options.pause_most = std::chrono::milliseconds(0);
    Client probe(options);
    while (true) {
      const auto server = probe.server();
      if (server || server.error().kind != ErrorKind::kUnavailable) return;
      if (waitpid(process_, nullptr, WNOHANG) != 0) {
        throw std::runtime_error("redis-server does not start; is it there? run tools/setup.sh");
      }
      std::this_thread::yield();
    }
  }

  /// Like a loss of power: nothing is written down.
  void kill() {
    if (process_ <= 0) return;
    ::kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
    process_ = 0;
    std::filesystem::remove(socket());
  }
  void stop() const { ::kill(process_, SIGSTOP); }
  void go_on() const { ::kill(process_, SIGCONT); }

  [[nodiscard]] std::string socket() const { return (folder_ / "s").string(); }
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
  std::filesystem::path folder_;
  pid_t process_ = 0;
};

}  // namespace vecmill::redis
