#include "vecmill/hub/pull.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <optional>

#include "vecmill/base/hash.h"
#include "vecmill/base/mapped_file.h"
#include "vecmill/engine/hub_transport.h"
#include "vecmill/http/loopback_server.h"
#include "vecmill/hub/blob_hash.h"
#include "vecmill_source_dir.h"

namespace vecmill::hub {
namespace {

namespace fs = std::filesystem;
using http::LoopbackServer;
using testing::HasSubstr;
using Request = LoopbackServer::Request;

constexpr char kCommit[] = "0123456789abcdef0123456789abcdef01234567";

/// A Hub with one model, whose answers a test can spoil.
class PullTest : public testing::Test {
 protected:
  PullTest() {
    std::string pattern = (fs::temp_directory_path() / "vecmill-pull-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) ADD_FAILURE() << "no temporary folder";
    root_ = pattern;
    folder_ = root_ / "store";
    for (std::size_t i = 0; i < 300'000; ++i) weights_ += static_cast<char>('a' + i * i % 23);
    files_ = {
        {"config.json", R"({"model_type": "bert"})"},
        {"tokenizer.json", "{}"},
        {"modules.json", R"([{"path": "", "type": "T"}, {"path": "1_Pooling", "type": "P"}])"},
        {"1_Pooling/config.json", "{}"},
        {"model.safetensors", weights_},
        {"model.onnx", "not wanted"}};
    options_.name = "org/name";
    options_.hub.endpoint = server_.url();
    options_.hub.token = "hf_secret";
    options_.sleep = [&](std::chrono::milliseconds time) { pauses_.push_back(time.count()); };
  }
  ~PullTest() override { fs::remove_all(root_); }

  static std::string git_id(const std::string& text) {
    BlobHash hash(text.size());
    hash.update(text);
    return hash.finish().git;
  }

  std::string listing() {
    std::string json = std::string(R"({"sha": ")") + commit_ + R"(", "siblings": [)";
    for (const auto& [path, text] : files_) {
      if (json.back() != '[') json += ",";
      json += R"({"rfilename": ")" + path + R"(", "blobId": ")" + git_id(text) + R"(", "size": )" +
              std::to_string(text.size());
      if (path == "model.safetensors") {
        json += R"(, "lfs": {"sha256": ")" + sha256_hex(text) + R"(", "size": )" +
                std::to_string(text.size()) + "}";
      }
      json += "}";
    }
    return json + "]}";
  }

  static std::string ranged(const Request& request, const std::string& text) {
    const auto range = request.headers.find("range");
    if (range == request.headers.end()) return LoopbackServer::reply(200, text);
    const std::size_t first = std::stoul(range->second.substr(6));
    return LoopbackServer::reply(206, text.substr(first),
                                 "Content-Range: bytes " + std::to_string(first) + "-" +
                                     std::to_string(text.size() - 1) + "/" +
                                     std::to_string(text.size()) + "\r\n");
  }

  std::string answer(const Request& request) {
    if (spoil_) {
      if (auto spoilt = spoil_(request)) return *spoilt;
    }
    if (request.target.starts_with("/api/models/org/name/revision/")) {
      return LoopbackServer::reply(200, listing());
    }
    const std::string prefix = "/org/name/resolve/" + commit_ + "/";
    if (request.target.starts_with(prefix)) {
      const auto file = files_.find(request.target.substr(prefix.size()));
      if (file != files_.end()) return ranged(request, file->second);
    }
    return LoopbackServer::reply(404, "", "X-Error-Code: RepoNotFound\r\n");
  }

  [[nodiscard]] static bool is_weights(const Request& request) {
    return request.target.ends_with("model.safetensors");
  }
  [[nodiscard]] long weight_requests() const {
    const auto all = server_.requests();
    return std::count_if(all.begin(), all.end(), is_weights);
  }

  [[nodiscard]] Store store() const {
    StorePaths paths;
    paths.home = folder_ / "home";
    return Store(paths);
  }
  Result<PullReport> pull() { return hub::pull(store(), options_, *transport_); }

  void expect_whole() {
    const auto entry = store().resolve("org/name");
    ASSERT_TRUE(entry) << entry.error().to_string();
    EXPECT_EQ(entry->revision, commit_);
    EXPECT_EQ(*read_file(entry->folder / "model.safetensors"), weights_);
    const auto report = store().verify(*entry);
    ASSERT_TRUE(report);
    EXPECT_TRUE(report->problems.empty());
    EXPECT_EQ(report->files, 5U);
    EXPECT_FALSE(fs::exists(entry->folder / "model.onnx"));
  }

  void expect_nothing() { EXPECT_FALSE(store().resolve("org/name")); }

  fs::path root_, folder_;
  std::string commit_ = kCommit;
  std::string weights_;
  std::map<std::string, std::string> files_;
  std::function<std::optional<std::string>(const Request&)> spoil_;
  LoopbackServer server_{[this](const Request& request) { return answer(request); }};
  PullOptions options_;
  std::vector<long> pauses_;
  std::unique_ptr<Transport> transport_ = engine::make_hub_transport();
};

TEST_F(PullTest, FetchesWhatAnEncoderNeedsAndOnlyOnce) {
  const auto report = pull();
  ASSERT_TRUE(report) << report.error().to_string();
  EXPECT_EQ(report->revision, kCommit);
  EXPECT_EQ(report->files.size(), 5U);
  EXPECT_EQ(report->fetched, report->bytes - 2);  // two files have the same content
  expect_whole();
  const auto again = pull();
  ASSERT_TRUE(again);
  EXPECT_EQ(again->fetched, 0U);
  EXPECT_EQ(weight_requests(), 1);
  EXPECT_EQ(server_.requests()[0].headers.at("authorization"), "Bearer hf_secret");
  expect_whole();
}

TEST_F(PullTest, ADryRunListsAndWritesNothing) {
  options_.dry_run = true;
  const auto report = pull();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->files.size(), 5U);
  EXPECT_GT(report->bytes, weights_.size());
  EXPECT_FALSE(report->entry);
  EXPECT_FALSE(fs::exists(folder_));
}

TEST_F(PullTest, ARedirectToAnotherHostDoesNotCarryTheToken) {
  LoopbackServer other([&](const Request& request) { return ranged(request, weights_); });
  spoil_ = [&](const Request& request) -> std::optional<std::string> {
    if (!is_weights(request)) return std::nullopt;
    return LoopbackServer::reply(302, "moved", "Location: " + other.url() + "/blob?signed=1\r\n");
  };
  ASSERT_TRUE(pull());
  expect_whole();
  ASSERT_EQ(other.requests().size(), 1U);
  EXPECT_FALSE(other.requests()[0].headers.contains("authorization"));
}

TEST_F(PullTest, ARelativeRedirectIsFollowedWithTheToken) {
  spoil_ = [&](const Request& request) -> std::optional<std::string> {
    if (is_weights(request)) return LoopbackServer::reply(307, "", "Location: /elsewhere\r\n");
    if (request.target != "/elsewhere") return std::nullopt;
    EXPECT_EQ(request.headers.at("authorization"), "Bearer hf_secret");
    return LoopbackServer::reply(200, weights_);
  };
  ASSERT_TRUE(pull());
  expect_whole();
}

TEST_F(PullTest, EndlessRedirectsEnd) {
  spoil_ = [](const Request& request) -> std::optional<std::string> {
    return LoopbackServer::reply(302, "", "Location: " + request.target + "\r\n");
  };
  EXPECT_THAT(pull().error().message, HasSubstr("redirected without end"));
}

TEST_F(PullTest, ADroppedConnectionGoesOnWhereItStopped) {
  int dropped = 0;
  spoil_ = [&](const Request& request) -> std::optional<std::string> {
    if (!is_weights(request) || ++dropped > 3) return std::nullopt;
    std::string whole = ranged(request, weights_);
    return whole.substr(0, whole.size() / 2);
  };
  const auto report = pull();
  ASSERT_TRUE(report) << report.error().to_string();
  expect_whole();
  EXPECT_EQ(report->fetched, report->bytes - 2);
  EXPECT_EQ(pauses_, (std::vector<long>{1000, 1000, 1000}));  // progress: the count starts anew
}

TEST_F(PullTest, ALaterRunGoesOnWhereAnEarlierStopped) {
  std::atomic<bool> broken = true;  // the server reads it in its own thread
  spoil_ = [&](const Request& request) -> std::optional<std::string> {
    if (!is_weights(request) || !broken) return std::nullopt;
    return ranged(request, weights_).substr(0, request.headers.contains("range") ? 0 : 100'000);
  };
  const auto failed = pull();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().kind, ErrorKind::kUnavailable);
  expect_nothing();
  broken = false;
  const auto report = pull();
  ASSERT_TRUE(report) << report.error().to_string();
  expect_whole();
  EXPECT_LT(report->fetched, weights_.size());
}

TEST_F(PullTest, AServerThatIgnoresRangeSendsItAllAgain) {
  int dropped = 0;
  spoil_ = [&](const Request& request) -> std::optional<std::string> {
    if (!is_weights(request)) return std::nullopt;
    const std::string whole = LoopbackServer::reply(200, weights_);
    return ++dropped == 1 ? whole.substr(0, 150'000) : whole;
  };
  ASSERT_TRUE(pull());
  expect_whole();
}

TEST_F(PullTest, WrongBytesNeverBecomeAModel) {
  for (const char* how : {"flipped", "longer", "other range"}) {
    SCOPED_TRACE(how);
    spoil_ = [&](const Request& request) -> std::optional<std::string> {
      if (!is_weights(request)) return std::nullopt;
      std::string text = weights_;
      if (how == std::string_view("flipped")) text[1000] ^= 1;
      if (how == std::string_view("longer")) text += "x";
      if (how == std::string_view("other range")) {
        return LoopbackServer::reply(206, text, "Content-Range: bytes 7-9/10\r\n");
      }
      return LoopbackServer::reply(200, text);
    };
    const auto report = pull();
    ASSERT_FALSE(report);
    EXPECT_TRUE(report.error().kind == ErrorKind::kMismatch ||
                report.error().kind == ErrorKind::kInvalidData)
        << report.error().to_string();
    expect_nothing();
  }
  spoil_ = {};
  ASSERT_TRUE(pull());
  expect_whole();
}

TEST_F(PullTest, APartThatIsWrongIsFetchedAgainFromTheStart) {
  const fs::path staging = folder_ / "home/staging/models--org--name";
  fs::create_directories(staging);
  std::ofstream(staging / (sha256_hex(weights_) + ".part")) << "wrong bytes";
  ASSERT_TRUE(pull());
  expect_whole();
  EXPECT_EQ(weight_requests(), 2);
}

TEST_F(PullTest, BusyServersAreAskedAgainAsTheyWish) {
  int asked = 0;
  spoil_ = [&](const Request&) -> std::optional<std::string> {
    if (++asked == 1) return LoopbackServer::reply(429, "", "Retry-After: 7\r\n");
    if (asked == 2) return LoopbackServer::reply(503, "");
    return std::nullopt;
  };
  ASSERT_TRUE(pull());
  expect_whole();
  EXPECT_EQ(pauses_, (std::vector<long>{7000, 2000}));
}

TEST_F(PullTest, AttemptsComeToAnEnd) {
  options_.attempts = 3;
  spoil_ = [](const Request&) { return LoopbackServer::reply(500, ""); };
  const auto report = pull();
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().kind, ErrorKind::kUnavailable);
  EXPECT_EQ(server_.requests().size(), 3U);
}

TEST_F(PullTest, WhatTheHubRefusesIsSaidPlainly) {
  const struct {
    int status;
    std::string headers;
    ErrorKind kind;
    std::string hint;
  } cases[] = {
      {404, "X-Error-Code: RepoNotFound\r\n", ErrorKind::kNotFound, "check the spelling"},
      {401, "X-Error-Code: RepoNotFound\r\n", ErrorKind::kNotFound, "set HF_TOKEN"},
      {404, "X-Error-Code: RevisionNotFound\r\n", ErrorKind::kNotFound, "see the branches"},
      {403, "X-Error-Code: GatedRepo\r\n", ErrorKind::kAuth, "accept them at"},
      {401, "", ErrorKind::kAuth, "check the token"},
      {418, "", ErrorKind::kInvalidData, ""},
  };
  for (const auto& c : cases) {
    spoil_ = [&](const Request&) { return LoopbackServer::reply(c.status, "", c.headers); };
    const auto report = pull();
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().kind, c.kind) << c.status;
    EXPECT_THAT(report.error().hint, HasSubstr(c.hint));
    EXPECT_THAT(report.error().to_string(), testing::Not(HasSubstr("hf_secret")));
  }
  EXPECT_TRUE(pauses_.empty());
}

TEST_F(PullTest, AnswersThatAreNoListingAreRefused) {
  for (
      const char* text :
      {"<html>", "{}", R"({"sha": "main", "siblings": []})",
       R"({"sha": "0123456789abcdef0123456789abcdef01234567", "siblings": [{"rfilename": "../x", "blobId": "0123456789abcdef0123456789abcdef01234567", "size": 1}]})",
       R"({"sha": "0123456789abcdef0123456789abcdef01234567", "siblings": [{"rfilename": "x", "blobId": "main", "size": 1}]})"}) {
    spoil_ = [&](const Request&) { return LoopbackServer::reply(200, text); };
    const auto report = pull();
    ASSERT_FALSE(report) << text;
    EXPECT_EQ(report.error().kind, ErrorKind::kInvalidData);
  }
  EXPECT_FALSE(fs::exists(folder_));
}

TEST_F(PullTest, OfflineTakesWhatIsThere) {
  options_.hub.offline = true;
  EXPECT_EQ(pull().error().kind, ErrorKind::kUnavailable);
  EXPECT_TRUE(server_.requests().empty());
  options_.hub.offline = false;
  ASSERT_TRUE(pull());
  const std::size_t before = server_.requests().size();
  options_.hub.offline = true;
  const auto report = pull();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->revision, kCommit);
  EXPECT_EQ(server_.requests().size(), before);
}

TEST_F(PullTest, ACommitThatIsThereNeedsNoNetwork) {
  options_.revision = kCommit;
  ASSERT_TRUE(pull());
  const std::size_t before = server_.requests().size();
  const auto report = pull();
  ASSERT_TRUE(report);
  EXPECT_EQ(server_.requests().size(), before);
  EXPECT_EQ(report->files.size(), 5U);
  EXPECT_GT(report->bytes, weights_.size());
  EXPECT_EQ(report->fetched, 0U);
  fs::resize_file(fs::canonical(report->entry->folder / "config.json"), 3);
  ASSERT_TRUE(pull());
  EXPECT_GT(server_.requests().size(), before);
  expect_whole();
}

TEST_F(PullTest, ANewCommitFetchesOnlyWhatChanged) {
  ASSERT_TRUE(pull());
  commit_ = std::string(40, 'a');
  files_["config.json"] = "{ }";
  const auto report = pull();
  ASSERT_TRUE(report) << report.error().to_string();
  EXPECT_EQ(report->fetched, 3U);
  EXPECT_EQ(weight_requests(), 1);
  expect_whole();
  EXPECT_EQ(store().resolve(std::string("name@") + kCommit)->revision, kCommit);
}

TEST_F(PullTest, ADamagedFileOfAnEarlierCommitIsNotTakenOver) {
  const auto first = pull();
  ASSERT_TRUE(first);
  const fs::path blob = fs::canonical(first->entry->folder / "model.safetensors");
  std::ofstream(blob, std::ios::in | std::ios::out) << "damaged";
  commit_ = std::string(40, 'a');
  ASSERT_TRUE(pull());
  EXPECT_EQ(weight_requests(), 2);
  expect_whole();
}

TEST_F(PullTest, AnAddressThatRanOutIsAskedForAgain) {
  int asked = 0;
  LoopbackServer other([&](const Request& request) {
    return ++asked == 1 ? LoopbackServer::reply(403, "expired") : ranged(request, weights_);
  });
  spoil_ = [&](const Request& request) -> std::optional<std::string> {
    if (!is_weights(request)) return std::nullopt;
    return LoopbackServer::reply(302, "", "Location: " + other.url() + "/blob?signed=1\r\n");
  };
  ASSERT_TRUE(pull());
  expect_whole();
  EXPECT_EQ(weight_requests(), 2);
}

/// Some mirrors list names only; the hash of each file is in the answer to a HEAD.
TEST_F(PullTest, AMirrorMaySayTheHashesLater) {
  spoil_ = [&](const Request& request) -> std::optional<std::string> {
    if (request.target.starts_with("/api/")) {
      std::string json = R"({"sha": ")" + commit_ + R"(", "siblings": [)";
      for (const auto& [path, text] : files_) json += R"({"rfilename": ")" + path + R"("},)";
      json.back() = ']';
      return LoopbackServer::reply(200, json + "}");
    }
    if (request.method != "HEAD") return std::nullopt;
    if (is_weights(request)) {
      return "HTTP/1.1 302 X\r\nLocation: http://elsewhere.invalid/\r\nETag: \"moved\"\r\n"
             "Content-Length: 0\r\nX-Linked-Size: " +
             std::to_string(weights_.size()) + "\r\nX-Linked-Etag: \"" + sha256_hex(weights_) +
             "\"\r\n\r\n";
    }
    const std::string& text = files_.at(request.target.substr(59));
    return "HTTP/1.1 200 X\r\nContent-Length: " + std::to_string(text.size()) + "\r\nETag: W/\"" +
           git_id(text) + "\"\r\n\r\n";
  };
  const auto report = pull();
  ASSERT_TRUE(report) << report.error().to_string();
  expect_whole();
}

TEST_F(PullTest, AServerWithoutHashesIsNoHub) {
  files_ = {{"config.json", "{}"}, {"model.safetensors", weights_}};
  spoil_ = [&](const Request& request) -> std::optional<std::string> {
    if (request.method == "HEAD") return "HTTP/1.1 200 X\r\nContent-Length: 2\r\n\r\n";
    if (!request.target.starts_with("/api/")) return std::nullopt;
    return LoopbackServer::reply(
        200, R"({"sha": ")" + commit_ + R"(", "siblings": [{"rfilename": "config.json"}]})");
  };
  const auto report = pull();
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().kind, ErrorKind::kInvalidData);
  EXPECT_THAT(report.error().hint, HasSubstr("HF_ENDPOINT"));
}

TEST_F(PullTest, PickledWeightsAreConvertedOnTheWay) {
  const fs::path testdata = fs::path(VECMILL_SOURCE_DIR) / "src/hub/testdata";
  files_ = {{"config.json", "{}"}, {"pytorch_model.bin", *read_file(testdata / "module.pt")}};
  const auto report = pull();
  ASSERT_TRUE(report) << report.error().to_string();
  EXPECT_TRUE(fs::exists(report->entry->folder / "model.safetensors"));
  EXPECT_FALSE(fs::exists(report->entry->folder / "pytorch_model.bin"));
  EXPECT_TRUE(store().resolve("name"));
  EXPECT_EQ(pull()->fetched, 0U);
}

TEST_F(PullTest, ABranchHasItsOwnReference) {
  options_.revision = "refs/pr/1";
  ASSERT_TRUE(pull());
  EXPECT_THAT(server_.requests()[0].target, HasSubstr("/revision/refs%2Fpr%2F1?blobs=true"));
  EXPECT_EQ(*read_file(folder_ / "home/models/models--org--name/refs/refs/pr/1"), kCommit);
  expect_whole();
}

TEST_F(PullTest, ProgressCountsToTheEnd) {
  PullProgress last;
  options_.progress = [&](const PullProgress& now) {
    EXPECT_GE(now.bytes_done, last.bytes_done);
    last = now;
  };
  const auto report = pull();
  ASSERT_TRUE(report);
  EXPECT_EQ(last.bytes_total, report->bytes);
  EXPECT_EQ(last.bytes_done, report->bytes);
}

TEST_F(PullTest, NothingListensThere) {
  options_.hub.endpoint = "http://127.0.0.1:1";
  options_.attempts = 2;
  const auto report = pull();
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().kind, ErrorKind::kUnavailable);
  EXPECT_EQ(pauses_.size(), 1U);
}

}  // namespace
}  // namespace vecmill::hub
