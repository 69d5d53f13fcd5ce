#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "vecmill/hub/store.h"
#include "vecmill/hub/transport.h"
#include "vecmill/result.h"

namespace vecmill::hub {

/// What the environment says about the Hugging Face Hub.
struct HubSettings {
  std::string endpoint = "https://huggingface.co";  ///< HF_ENDPOINT
  std::string token;     ///< a secret: HF_TOKEN or the file huggingface-cli wrote
  bool offline = false;  ///< HF_HUB_OFFLINE, TRANSFORMERS_OFFLINE

  ///   errors  kInvalidArgument when HF_ENDPOINT is no http(s) address or the token no token
  static Result<HubSettings> from_environment();
};

struct PullProgress {
  std::string file;  ///< the one being fetched
  std::uint64_t files_done = 0, files_total = 0;
  std::uint64_t bytes_done = 0, bytes_total = 0;  ///< of all files; what was there counts as done
};

struct PullOptions {
  std::string name;      ///< "org/name"; of a model with a pinned commit "name" will do
  std::string revision;  ///< branch, tag, commit, refs/pr/N; empty: the pinned commit, else main
  bool dry_run = false;  ///< asks the Hub what there is, writes nothing
  HubSettings hub;
  int attempts = 5;  ///< per request without progress
  std::function<void(const PullProgress&)> progress;
  std::function<void(std::chrono::milliseconds)> sleep;  ///< between attempts; empty: really sleeps
};

struct PulledFile {
  std::string path;
  std::uint64_t bytes = 0;
  std::string id;             ///< SHA-256 (64 hex digits) or git blob SHA-1 (40)
  std::uint64_t fetched = 0;  ///< bytes that came over the network in this call
};

struct PullReport {
  std::string name;
  std::string revision;  ///< the commit
  std::vector<PulledFile> files;
  std::uint64_t bytes = 0;
  std::uint64_t fetched = 0;
  std::optional<ModelEntry> entry;  ///< empty after a dry run
};

/// Fetches the files of a model that an encoder needs. A pull that was interrupted goes on where it
/// stopped; the model appears in the store when every file is there and its hash is right.
///   errors  kInvalidArgument, kNotFound (no such model or revision), kAuth (gated, private or a
///   bad
///           token), kUnavailable (network, or offline), kLimited, kMismatch (wrong bytes), kIo,
///           kCancelled
Result<PullReport> pull(const Store& store, const PullOptions& options, Transport& transport);

}  // namespace vecmill::hub
