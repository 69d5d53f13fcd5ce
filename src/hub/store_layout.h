#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/hub/store.h"
#include "vecmill/result.h"

namespace vecmill::hub {

/// "org/name" or "name", of letters, digits, '-', '_' and '.', as the Hub takes them.
///   errors  kInvalidArgument
Status check_model_name(std::string_view name);

/// A branch, tag, commit or refs/pr/N.
///   errors  kInvalidArgument
Status check_revision(std::string_view revision);

/// "org/name" → "models--org--name", and back; nothing for other folders.
[[nodiscard]] std::string repo_folder(std::string_view name);
[[nodiscard]] std::optional<std::string> repo_name(std::string_view folder);

/// The part after the last '/'.
[[nodiscard]] std::string_view bare_name(std::string_view name);

[[nodiscard]] std::filesystem::path models_folder(const StorePaths& paths);

enum class Weights : std::uint8_t { kNone, kPickled, kSafetensors };

/// The best form of weights in a model's folder; kNone also where there is no configuration.
[[nodiscard]] Weights weights_of(const std::filesystem::path& folder);

/// The snapshot of a repository folder (`models--...`) in the Hugging Face layout that a revision
/// names: a commit, or a file below refs/. Without one `main`, or the only snapshot there is.
struct Snapshot {
  std::filesystem::path folder;
  std::string commit;
};
[[nodiscard]] std::optional<Snapshot> find_snapshot(const std::filesystem::path& repo,
                                                    std::string_view revision);

/// The names in a folder, sorted; none when it is not there or not readable.
[[nodiscard]] std::vector<std::string> names_in(const std::filesystem::path& folder);

}  // namespace vecmill::hub
