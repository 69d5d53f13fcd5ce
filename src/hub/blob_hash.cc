#include "vecmill/hub/blob_hash.h"

#include <algorithm>

#include "vecmill/base/mapped_file.h"

namespace vecmill::hub {

bool is_hex(std::string_view text, std::size_t digits) {
  return text.size() == digits && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

BlobHash::BlobHash(std::optional<std::uint64_t> git_size) {
  if (!git_size) return;
  git_.emplace();
  const std::string head = "blob " + std::to_string(*git_size);
  git_->update(std::string_view(head.c_str(), head.size() + 1));  // with its NUL
}

void BlobHash::update(std::string_view bytes) {
  sha256_.update(bytes);
  if (git_) git_->update(bytes);
  bytes_ += bytes.size();
}

BlobHash::Digests BlobHash::finish() {
  return {sha256_.hex(), git_ ? git_->hex() : std::string(), bytes_};
}

Result<BlobHash::Digests> hash_file(const std::filesystem::path& path, bool git) {
  VECMILL_ASSIGN(const MappedFile file, MappedFile::open(path));
  BlobHash hash(git ? std::optional<std::uint64_t>(file.bytes().size()) : std::nullopt);
  VECMILL_TRY(file.in_pieces([&](std::span<const std::byte> piece) -> Status {
    hash.update({reinterpret_cast<const char*>(piece.data()), piece.size()});
    return {};
  }));
  return hash.finish();
}

}  // namespace vecmill::hub
