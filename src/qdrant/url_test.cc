#include "vecmill/qdrant/url.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <utility>
#include <vector>

namespace vecmill::qdrant {
namespace {

std::string error_of(const std::string& text) {
  const auto url = parse_url(text);
  return url ? "" : url.error().to_string();
}

TEST(QdrantUrlTest, WhatItSays) {
  const auto url = parse_url(
      "qdrants://db.example:7000/behind/a%20proxy/my%20notes?vector=v%26&sparse=s&multivector=m"
      "&distance=dot&text=body&adopt=yes&bulk=yes&key_file=/k&ca_file=/ca&plain=no");
  ASSERT_TRUE(url) << url.error().to_string();
  EXPECT_EQ(url->base, "https://db.example:7000/behind/a%20proxy");
  EXPECT_EQ(url->collection, "my notes");
  EXPECT_EQ(url->plain_host, "");
  EXPECT_EQ(url->dense + url->sparse + url->multivector, "v&sm");
  EXPECT_EQ(url->distance, "Dot");
  EXPECT_EQ(url->text + url->key_file + url->ca_file, "body/k/ca");
  EXPECT_TRUE(url->adopt && url->bulk && !url->plain);
}

TEST(QdrantUrlTest, TheShortestOne) {
  for (const auto& [text, base, host] :
       std::vector<std::tuple<std::string, std::string, std::string>>{
           {"qdrant://localhost/notes", "http://localhost:6333", "localhost"},
           {"qdrant://Host:80/notes", "http://Host:80", "host"},
           {"qdrant://[::1]/notes", "http://[::1]:6333", "[::1]"},
           {"qdrant://[::1]:9/notes", "http://[::1]:9", "[::1]"}}) {
    const auto url = parse_url(text);
    ASSERT_TRUE(url) << url.error().to_string();
    EXPECT_EQ(url->base, base);
    EXPECT_EQ(url->plain_host, host);
    EXPECT_EQ(url->collection, "notes");
    EXPECT_EQ(url->dense + url->sparse + url->multivector, "densesparsemultivector");
    EXPECT_EQ(url->distance, "Cosine");
  }
}

TEST(QdrantUrlTest, WhatIsWrongIsNamedWithTheWayOut) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"http://h/c", "is not a URL of Qdrant"},
      {"qdrant://h", "names no collection; write it like qdrant://host:6333/notes"},
      {"qdrant://h/", "names no collection"},
      {"qdrant:///c", "is no address"},
      {"qdrant://h:port/c", "is no address"},
      {"qdrant://h/a%2Fb", "is no name that a collection can have"},
      {"qdrant://h/a%zz", "is no name that a collection can have"},
      {"qdrant://h/c#x", "write such bytes as %XX"},
      {"qdrant://h/c?vectr=v", "has no parameter vectr; did you mean vector?"},
      {"qdrant://h/c?bulk", "bulk has no value"},
      {"qdrant://h/c?bulk=", "bulk is empty"},
      {"qdrant://h/c?bulk=true", "bulk is neither yes nor no"},
      {"qdrant://h/c?bulk=yes&bulk=yes", "bulk is given twice"},
      {"qdrant://h/c?text=%f", "% without two hexadecimal digits in text"},
      {"qdrant://h/c?text=%ff", "text is not UTF-8"},
      {"qdrant://h/c?distance=l2", "there is no distance l2; known are cosine"},
      {"qdrant://h/c?vector=x&sparse=x", "gives two vectors one name"},
      {"qdrant://h/c?api_key=canary", "put the key into the variable QDRANT_API_KEY"},
      {"qdrant://h/c?apikey=canary", "put the key into the variable QDRANT_API_KEY"},
      {"qdrant://canary@h/c", "a user or key does not belong into it"},
  };
  for (const auto& [text, expected] : cases) {
    EXPECT_NE(error_of(text).find(expected), std::string::npos) << text << ": " << error_of(text);
    EXPECT_EQ(error_of(text).find("canary"), std::string::npos) << error_of(text);
  }
  EXPECT_NE(error_of("qdrant://h/" + std::string(256, 'c')).find("is no name"), std::string::npos);
}

Result<Secret> key_of(const std::string& text) { return find_key(parse_url(text).value()); }

class QdrantKeyTest : public testing::Test {
 protected:
  void SetUp() override { unsetenv("QDRANT_API_KEY"); }
  void TearDown() override { unsetenv("QDRANT_API_KEY"); }
};

TEST_F(QdrantKeyTest, ComesFromTheEnvironmentOrAFile) {
  EXPECT_TRUE(key_of("qdrant://h/c").value().empty());
  setenv("QDRANT_API_KEY", "one", 1);
  EXPECT_EQ(key_of("qdrants://h/c").value().reveal(), "one");
  setenv("VECMILL_TEST_QDRANT_KEY", "two", 1);
  EXPECT_EQ(key_of("qdrants://h/c?key_env=VECMILL_TEST_QDRANT_KEY").value().reveal(), "two");
  unsetenv("VECMILL_TEST_QDRANT_KEY");
  EXPECT_EQ(key_of("qdrants://h/c?key_env=VECMILL_TEST_QDRANT_KEY").error().kind, ErrorKind::kAuth);
  const std::string file = testing::TempDir() + "qdrant_key";
  std::ofstream(file) << "three\n";
  chmod(file.c_str(), 0600);
  EXPECT_EQ(key_of("qdrants://h/c?key_file=" + file).value().reveal(), "three");
  chmod(file.c_str(), 0644);
  EXPECT_EQ(key_of("qdrants://h/c?key_file=" + file).error().kind, ErrorKind::kIo);
  std::filesystem::remove(file);
}

TEST_F(QdrantKeyTest, DoesNotCrossTheNetworkInTheClear) {
  setenv("QDRANT_API_KEY", "canary", 1);
  const auto refused = key_of("qdrant://h/c");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kInvalidArgument);
  EXPECT_EQ(refused.error().to_string().find("canary"), std::string::npos);
  for (const char* fine : {"qdrants://h/c", "qdrant://localhost/c", "qdrant://127.0.0.2/c",
                           "qdrant://[::1]/c", "qdrant://h/c?plain=yes"}) {
    EXPECT_TRUE(key_of(fine)) << fine;
  }
}

}  // namespace
}  // namespace vecmill::qdrant
