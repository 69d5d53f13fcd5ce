#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "vecmill/base/mapped_file.h"
#include "vecmill/hub/pull.h"

namespace vecmill::hub {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLargestToken = 4096;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

/// The words that the Hugging Face libraries take for true.
bool is_set(const char* name) {
  std::string value = variable(name);
  std::transform(value.begin(), value.end(), value.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return value == "1" || value == "ON" || value == "YES" || value == "TRUE";
}

fs::path token_file() {
  if (const std::string path = variable("HF_TOKEN_PATH"); !path.empty()) return path;
  if (const std::string home = variable("HF_HOME"); !home.empty()) return fs::path(home) / "token";
  if (const std::string cache = variable("XDG_CACHE_HOME"); !cache.empty()) {
    return fs::path(cache) / "huggingface" / "token";
  }
  return fs::path(variable("HOME")) / ".cache" / "huggingface" / "token";
}

std::string stripped(const std::string& text) {
  constexpr char kBlank[] = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) + 1 - first);
}

Result<std::string> find_token() {
  if (is_set("HF_HUB_DISABLE_IMPLICIT_TOKEN")) return std::string();
  std::string from = "HF_TOKEN";
  std::string token = stripped(variable("HF_TOKEN"));
  if (token.empty()) {
    from = "HUGGING_FACE_HUB_TOKEN";
    token = stripped(variable("HUGGING_FACE_HUB_TOKEN"));
  }
  if (token.empty()) {
    from = token_file().string();
    if (const auto text = read_file(from, kLargestToken)) token = stripped(*text);
  }
  const bool printable =
      std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < '\x7f'; });
  if (printable) return token;
  return make_error(ErrorKind::kInvalidArgument, "what it holds cannot be a token", from,
                    "a token is one word like hf_...");
}

}  // namespace

Result<HubSettings> HubSettings::from_environment() {
  HubSettings settings;
  if (std::string endpoint = stripped(variable("HF_ENDPOINT")); !endpoint.empty()) {
    while (endpoint.ends_with('/')) endpoint.pop_back();
    if (!endpoint.starts_with("https://") && !endpoint.starts_with("http://")) {
      return make_error(ErrorKind::kInvalidArgument, "is not an http or https address",
                        "HF_ENDPOINT", "set it to an address like https://huggingface.co");
    }
    settings.endpoint = std::move(endpoint);
  }
  settings.offline = is_set("HF_HUB_OFFLINE") || is_set("TRANSFORMERS_OFFLINE");
  VECMILL_ASSIGN(settings.token, find_token());
  return settings;
}

}  // namespace vecmill::hub
