#include "vecmill/hub/fetch_file.h"

#include <memory>
#include <system_error>
#include <utility>

#include "vecmill/hub/blob_hash.h"

namespace vecmill::hub {
namespace {

namespace fs = std::filesystem;

/// A file that grows by what replies bring.
class Download {
 public:
  Download(HubClient& hub, FileSystem& files, const ListedFile& wanted, fs::path part)
      : hub_(hub), files_(files), wanted_(wanted), part_(std::move(part)) {}

  Status run(const std::string& url, const std::function<void(std::uint64_t)>& progress) {
    VECMILL_TRY(open());
    if (there_ < wanted_.bytes || there_ == 0) {
      VECMILL_TRY(hub_.persist([&] { return attempt(url, progress); }, [&] { return fetched_; }));
    }
    return file_->sync();
  }

  [[nodiscard]] std::uint64_t fetched() const { return fetched_; }

 private:
  Status open() {
    std::error_code error;
    const auto size = fs::file_size(part_, error);
    if (error || size > wanted_.bytes) return restart();
    VECMILL_ASSIGN(file_, files_.reopen(part_, size));
    there_ = size;
    return {};
  }

  Status restart() {
    VECMILL_ASSIGN(file_, files_.create(part_));
    there_ = 0;
    return {};
  }

  Status attempt(const std::string& url, const std::function<void(std::uint64_t)>& progress) {
    HttpReceiver receiver;
    receiver.head = [&](const HttpReply& reply) -> Status {
      if (reply.status == 200) return there_ > 0 ? restart() : Status{};  // Range was ignored
      const std::string expected = "bytes " + std::to_string(there_) + "-";
      if (reply.header("Content-Range").starts_with(expected)) return {};
      return make_error(ErrorKind::kInvalidData, "other bytes come than were asked for", url);
    };
    receiver.body = [&](std::string_view piece) -> Status {
      if (piece.size() > wanted_.bytes - there_) {
        return make_error(ErrorKind::kMismatch,
                          "more than the listed " + std::to_string(wanted_.bytes) + " bytes come",
                          url);
      }
      VECMILL_TRY(file_->append(piece));
      there_ += piece.size();
      fetched_ += piece.size();
      if (progress) progress(there_);
      return {};
    };
    VECMILL_TRY(hub_.get_once(url, there_, receiver));
    if (there_ == wanted_.bytes) return {};
    return make_error(ErrorKind::kUnavailable, "the file was cut off", url,
                      "run the same command again: it goes on from there");
  }

  HubClient& hub_;
  FileSystem& files_;
  const ListedFile& wanted_;
  const fs::path part_;
  std::unique_ptr<WritableFile> file_;
  std::uint64_t there_ = 0, fetched_ = 0;
};

}  // namespace

Result<FetchedFile> fetch_file(HubClient& hub, Staging& staging, const std::string& url,
                               const ListedFile& file,
                               const std::function<void(std::uint64_t)>& progress) {
  if (auto there = staging.reuse(file.path, file.id)) return FetchedFile{std::move(*there), 0};
  const fs::path part = staging.folder() / (file.id + ".part");
  const bool git = file.id.size() == 40;
  FetchedFile result;
  // What an earlier run left may be wrong: one more chance from the beginning.
  for (int tries = 0; tries < 2; ++tries) {
    Download download(hub, staging.files(), file, part);
    const Status status = download.run(url, progress);
    result.fetched += download.fetched();
    if (!status && status.error().kind != ErrorKind::kMismatch &&
        status.error().kind != ErrorKind::kInvalidData) {
      return status.error();
    }
    if (status) {
      VECMILL_ASSIGN(auto digests, hash_file(part, git));
      if ((git ? digests.git : digests.sha256) == file.id) {
        result.staged = {{file.path, digests.bytes, std::move(digests.sha256), {}}, file.id, part};
        return result;
      }
    }
    const bool was_whole = download.fetched() >= file.bytes;
    VECMILL_TRY(staging.files().remove(part));
    if (!status && was_whole) return status.error();
    if (was_whole) break;
  }
  return make_error(ErrorKind::kMismatch,
                    "the bytes that came do not have the hash that the Hub lists", url,
                    "try again; if it stays so, a proxy or mirror changes files");
}

}  // namespace vecmill::hub
