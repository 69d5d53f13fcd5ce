#include "vecmill/cache/secret.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <set>
#include <thread>

#include "vecmill/cache/testing.h"

namespace vecmill::cache {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr const char* kPath = "VECMILL_SECRET_TEST_PATH";

class SecretTest : public TestFolder {
 protected:
  const fs::path secret_ = folder_ / "secret";

  void expect_refused(ErrorKind kind, const std::string& what) {
    const auto secret = tenant_secret(secret_);
    ASSERT_FALSE(secret) << what;
    EXPECT_EQ(secret.error().kind, kind) << what;
    EXPECT_THAT(secret.error().to_string(), HasSubstr(what));
    EXPECT_THAT(secret.error().to_string(), HasSubstr(secret_.string()));
  }
};

TEST_F(SecretTest, IsMadeOnceAndOursAlone) {
  const auto secret = tenant_secret(secret_);
  ASSERT_TRUE(secret) << secret.error().to_string();
  EXPECT_EQ(secret->size(), 32u);
  struct stat info {};
  ASSERT_EQ(::stat(secret_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_EQ(tenant_secret(secret_).value(), *secret);
  EXPECT_NE(tenant_secret(folder_ / "other").value(), *secret);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 2) << "nothing is left over";
}

TEST_F(SecretTest, ThoseWhoComeFirstAtOnceGetTheSame) {
  std::vector<std::thread> threads;
  std::mutex mutex;
  std::set<std::string> secrets;
  for (int n = 0; n < 4; ++n) {
    threads.emplace_back([&] {
      const auto secret = tenant_secret(secret_);
      const std::lock_guard lock(mutex);
      secrets.insert(secret ? *secret : secret.error().to_string());
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_THAT(secrets, testing::SizeIs(1));
  EXPECT_EQ(*secrets.begin(), tenant_secret(secret_).value());
}

TEST_F(SecretTest, AnyOtherByteIsDamage) {
  ASSERT_TRUE(tenant_secret(secret_));
  const std::string whole = content(secret_);
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string bytes = whole;
    bytes[at] = bytes[at] == '0' ? '1' : '0';
    std::ofstream(secret_) << bytes;
    expect_refused(ErrorKind::kInvalidData, "damaged");
    std::ofstream(secret_) << whole.substr(0, at);
    expect_refused(ErrorKind::kInvalidData, "damaged");
  }
  std::ofstream(secret_) << whole + "\n";
  expect_refused(ErrorKind::kInvalidData, "damaged");
  std::ofstream(secret_) << std::string(5000, '0');
  expect_refused(ErrorKind::kIo, "too large");
  std::ofstream(secret_) << whole;
  EXPECT_TRUE(tenant_secret(secret_));
}

TEST_F(SecretTest, OthersMayNotReadItNorOwnIt) {
  ASSERT_TRUE(tenant_secret(secret_));
  for (const auto mode : {0640U, 0604U, 0620U}) {
    ASSERT_EQ(::chmod(secret_.c_str(), mode), 0);
    expect_refused(ErrorKind::kIo, "chmod 600");
  }
  ASSERT_EQ(::chmod(secret_.c_str(), 0600), 0);
  if (::geteuid() == 0) {
    ASSERT_EQ(::chown(secret_.c_str(), 1234, 1234), 0);
    expect_refused(ErrorKind::kIo, "another user");
  }
  fs::rename(secret_, folder_ / "elsewhere");
  fs::create_symlink(folder_ / "elsewhere", secret_);
  expect_refused(ErrorKind::kIo, "is a link");
  fs::remove(secret_);
  fs::create_directory(secret_);
  expect_refused(ErrorKind::kIo, "is not a file");
}

/// What a child does that a failpoint kills.
TEST(SecretChild, DISABLED_Makes) { (void)tenant_secret(std::getenv(kPath)); }

TEST_F(SecretTest, AKillWhileItIsMadeLeavesNoneOrAWholeOne) {
  const std::string command = "VECMILL_FAILPOINT=cache.secret:1 " + std::string(kPath) + "=" +
                              secret_.string() + " /proc/" + std::to_string(::getpid()) +
                              "/exe --gtest_also_run_disabled_tests"
                              " --gtest_filter=SecretChild.* > /dev/null";
  ASSERT_EQ(WEXITSTATUS(std::system(command.c_str())), 137);
  EXPECT_FALSE(fs::exists(secret_));
  EXPECT_TRUE(tenant_secret(secret_));
}

TEST(EncryptionKeyTest, IsSixtyFourHexadecimalDigits) {
  const std::string digits = "00ff" + std::string(58, '7') + "aB";
  const auto key = encryption_key(" \n" + digits + "\r\n", "here");
  ASSERT_TRUE(key);
  EXPECT_EQ(*key, std::string("\x00\xff", 2) + std::string(29, '\x77') + "\xab");
  for (const std::string& bad :
       {std::string(), std::string(" \n"), digits.substr(1), digits + "0", "g" + digits.substr(1),
        "-" + digits.substr(1), "0x" + digits.substr(2), digits.substr(0, 63) + " "}) {
    const auto refused = encryption_key(bad, "the place");
    ASSERT_FALSE(refused) << bad;
    EXPECT_EQ(refused.error().kind, ErrorKind::kAuth);
    EXPECT_EQ(refused.error().where, "the place");
    const std::string line = refused.error().to_string();
    EXPECT_TRUE(bad.empty() || line.find(bad) == std::string::npos) << line;
  }
}

}  // namespace
}  // namespace vecmill::cache
