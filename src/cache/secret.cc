#include "vecmill/cache/secret.h"

#include <openssl/rand.h>

#include <array>
#include <charconv>
#include <optional>
#include <span>
#include <system_error>

#include "vecmill/base/failpoint.h"
#include "vecmill/base/file_system.h"
#include "vecmill/base/hash.h"
#include "vecmill/base/hex.h"
#include "vecmill/base/private_file.h"

namespace vecmill::cache {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBytes = 32;
constexpr std::size_t kNameBytes = 8;  ///< of the file until it is whole: no two threads share one
constexpr std::string_view kStart = "vecmill-secret-1 ";
constexpr const char* kWhy = "who knows it can guess texts from their keys";

std::optional<std::string> from_hex(std::string_view digits) {
  if (digits.size() != 2 * kBytes) return std::nullopt;
  std::string out;
  for (std::size_t at = 0; at < digits.size(); at += 2) {
    std::uint8_t byte = 0;
    const auto [end, error] = std::from_chars(digits.data() + at, digits.data() + at + 2, byte, 16);
    if (error != std::errc() || end != digits.data() + at + 2) return std::nullopt;
    out += static_cast<char>(byte);
  }
  return out;
}

/// "vecmill-secret-1 ", the secret in hexadecimal, " ", a checksum of all before it, line end.
std::string file_of(std::string_view secret) {
  const std::string text = std::string(kStart) + hex(std::as_bytes(std::span(secret))) + " ";
  const std::uint64_t sum = checksum(text);
  return text + hex(std::as_bytes(std::span(&sum, 1))) + "\n";
}

Result<std::string> read_secret(const fs::path& path) {
  VECMILL_ASSIGN(const std::string text, read_private_file(path, kWhy));
  if (text.size() > kStart.size() + 2 * kBytes) {
    auto secret = from_hex(std::string_view(text).substr(kStart.size(), 2 * kBytes));
    if (secret && text == file_of(*secret)) return std::move(*secret);
  }
  return make_error(ErrorKind::kInvalidData, "the secret of the cache is damaged", path.string(),
                    "restore it; or remove it, and the cache begins anew");
}

/// The file appears whole or not at all, and never replaces another.
Status create_secret(const fs::path& path) {
  std::array<unsigned char, kBytes + kNameBytes> random{};
  if (RAND_bytes(random.data(), random.size()) != 1) {
    return make_error(ErrorKind::kIo, "this system gives no random bytes", path.string());
  }
  const std::string text = file_of({reinterpret_cast<const char*>(random.data()), kBytes});
  const auto name = std::as_bytes(std::span(random)).subspan(kBytes);
  const fs::path part = path.string() + "." + hex(name);
  VECMILL_TRY(make_private_file(part));
  VECMILL_ASSIGN(const auto file, real_files().create(part));
  VECMILL_TRY(file->append(text));
  VECMILL_TRY(file->sync());
  failpoint("cache.secret");
  std::error_code failed;
  fs::create_hard_link(part, path, failed);
  VECMILL_TRY(real_files().remove(part));
  if (failed && failed != std::errc::file_exists) {
    return make_error(ErrorKind::kIo, "cannot create: " + failed.message(), path.string());
  }
  return real_files().sync_dir(folder_of(path));
}

}  // namespace

Result<std::string> tenant_secret(const fs::path& path) {
  auto secret = read_secret(path);
  if (secret || secret.error().kind != ErrorKind::kNotFound) return secret;
  VECMILL_TRY(create_secret(path));
  return read_secret(path);
}

Result<std::string> encryption_key(std::string_view text, const std::string& where) {
  constexpr std::string_view kBlank = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first != std::string_view::npos) {
    text = text.substr(first, text.find_last_not_of(kBlank) - first + 1);
    if (auto key = from_hex(text)) return std::move(*key);
  }
  return make_error(ErrorKind::kAuth, "is not a key: 64 hexadecimal digits", where,
                    "make one with `openssl rand -hex 32`");
}

}  // namespace vecmill::cache
