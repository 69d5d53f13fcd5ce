#pragma once

#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "vecmill/postgres/connection.h"

namespace vecmill::postgres {

/// A real server of a test, Debian's, on a socket in a folder of its own; ends with the object.
class TestServer {
 public:
  /// Null where it is not installed.
  static std::unique_ptr<TestServer> begin() {
    if (!std::filesystem::exists(kBinaries)) return nullptr;
    return std::make_unique<TestServer>();
  }

  TestServer() {
    static std::atomic<int> count = 0;
    folder_ = std::filesystem::temp_directory_path() /
              ("vecmill-pg-" + std::to_string(getpid()) + "-" + std::to_string(count++));
    std::filesystem::create_directories(folder_);
    if (const passwd* user = server_user())
      (void)!chown(folder_.c_str(), user->pw_uid, user->pw_gid);
    const pid_t making = run({"initdb", "-D", data(), "-U", "test", "-N", "--auth=trust",
                              "--encoding=UTF8", "--no-locale"});
    int status = 0;
    waitpid(making, &status, 0);
    if (status != 0) throw std::runtime_error("initdb fails");
    start();
  }
  ~TestServer() {
    kill();
    std::filesystem::remove_all(folder_);
  }
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  /// Returns when it answers. Without fsync a killed server still loses nothing.
  void start() {
    process_ = run({"postgres", "-D", data(), "-k", folder_.string(), "-c",
                    "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=50"});
    const Url url = *parse_database(this->url());
    while (!Connection::open(url)) {
      if (waitpid(process_, nullptr, WNOHANG) != 0) throw std::runtime_error("postgres ends");
      std::this_thread::yield();
    }
  }

  void kill() {
    if (process_ <= 0) return;
    ::kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
    process_ = 0;
  }

  [[nodiscard]] std::string url() const {
    return "postgres://test@/postgres?host=" + folder_.string();
  }

 private:
  static constexpr const char* kBinaries = "/usr/lib/postgresql/15/bin";

  /// Another than root, as whom a server refuses to run.
  static const passwd* server_user() { return geteuid() == 0 ? getpwnam("nobody") : nullptr; }

  [[nodiscard]] std::string data() const { return (folder_ / "data").string(); }

  static pid_t run(std::vector<std::string> words) {
    words[0] = std::string(kBinaries) + "/" + words[0];
    std::vector<char*> raw;
    for (std::string& word : words) raw.push_back(word.data());
    raw.push_back(nullptr);
    const passwd* user = server_user();
    const pid_t child = fork();
    if (child != 0) return child;
    const int nowhere = open("/dev/null", O_RDWR);
    for (const int stream : {0, 1, 2}) dup2(nowhere, stream);
    if (chdir("/") != 0 || (user != nullptr && setuid(user->pw_uid) != 0)) _exit(126);
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test that crashes leaves nothing behind
    execv(raw[0], raw.data());
    _exit(127);
  }

  std::filesystem::path folder_;
  pid_t process_ = 0;
};

}  // namespace vecmill::postgres
