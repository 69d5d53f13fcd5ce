#pragma once

#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include "vecmill/base/server_process_testing.h"
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
    process_.start({program("initdb"), "-D", data(), "-U", "test", "-N", "--auth=trust",
                    "--encoding=UTF8", "--no-locale"});
    if (!process_.wait()) throw std::runtime_error("initdb fails");
    start();
  }

  /// Returns when it answers. Without fsync a killed server still loses nothing. While sessions of
  /// one that was killed are still ending, none can start.
  void start() {
    constexpr int kTries = 100;
    const Url url = *parse_database(this->url());
    for (int tries = 0; !Connection::open(url);) {
      if (tries > 0 && !process_.ended()) {
        std::this_thread::yield();
      } else if (++tries > kTries) {
        throw std::runtime_error("postgres ends");
      } else {
        process_.start({program("postgres"), "-D", data(), "-k", folder(), "-c",
                        "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=50"});
      }
    }
  }

  void kill() { process_.kill(); }

  [[nodiscard]] std::string socket() const { return folder() + "/.s.PGSQL.5432"; }

  [[nodiscard]] std::string url() const { return "postgres://test@/postgres?host=" + folder(); }

 private:
  static constexpr const char* kBinaries = "/usr/lib/postgresql/15/bin";

  /// Another than root, as whom a server refuses to run.
  static const passwd* user() { return geteuid() == 0 ? getpwnam("nobody") : nullptr; }
  static std::string program(const std::string& name) {
    return std::string(kBinaries) + "/" + name;
  }
  [[nodiscard]] std::string folder() const { return process_.folder().string(); }
  [[nodiscard]] std::string data() const { return folder() + "/data"; }

  ServerProcess process_{"pg", user()};
};

}  // namespace vecmill::postgres
