#pragma once

#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace vecmill {

/// A server's program in a test, with a folder of its own; both end with the object.
class ServerProcess {
 public:
  ///   user  as whom it runs, whose the folder is; null: as the test
  explicit ServerProcess(const std::string& name, const passwd* user = nullptr) : user_(user) {
    static std::atomic<int> count = 0;
    folder_ = std::filesystem::temp_directory_path() /
              ("vecmill-" + name + "-" + std::to_string(getpid()) + "-" + std::to_string(count++));
    std::filesystem::create_directories(folder_);
    if (user_ != nullptr) (void)!chown(folder_.c_str(), user_->pw_uid, user_->pw_gid);
  }
  ~ServerProcess() {
    kill();
    std::filesystem::remove_all(folder_);
  }
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }

  void start(std::vector<std::string> words) {
    std::vector<char*> raw;
    for (std::string& word : words) raw.push_back(word.data());
    raw.push_back(nullptr);
    process_ = fork();
    if (process_ != 0) return;
    const int nowhere = open("/dev/null", O_RDWR);
    for (const int stream : {0, 1, 2}) dup2(nowhere, stream);
    if (chdir("/") != 0 || (user_ != nullptr && setuid(user_->pw_uid) != 0)) _exit(126);
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test that crashes leaves nothing behind
    execvp(raw[0], raw.data());
    _exit(127);
  }

  [[nodiscard]] bool ended() {
    if (process_ <= 0 || waitpid(process_, nullptr, WNOHANG) == 0) return process_ <= 0;
    process_ = 0;
    return true;
  }
  /// Whether it ends well.
  [[nodiscard]] bool wait() {
    int status = 0;
    return waitpid(std::exchange(process_, 0), &status, 0) > 0 && status == 0;
  }

  void send(int signal) const { ::kill(process_, signal); }
  void kill() {
    if (process_ <= 0) return;
    send(SIGKILL);
    (void)wait();
  }

 private:
  const passwd* user_;
  std::filesystem::path folder_;
  pid_t process_ = 0;
};

}  // namespace vecmill
