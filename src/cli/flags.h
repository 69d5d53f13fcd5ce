#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/result.h"

namespace vecmill::cli {

enum class FlagKind : std::uint8_t { kText, kCount, kChoice, kSwitch, kBytes, kAge };

/// One row of the table that flags, environment, configuration files, help and completion share.
struct Flag {
  std::string_view name;  ///< "batch-size": --batch-size, VECMILL_BATCH_SIZE, batch_size in a file
  FlagKind kind = FlagKind::kText;
  std::string_view value;     ///< what stands for the value in help
  std::string_view choices;   ///< kChoice: "a|b|c"
  std::string_view fallback;  ///< the default
  std::string_view help;
  bool setting = false;                         ///< environment and files may give it too
  char letter = 0;                              ///< of the short form
  std::uint32_t most = std::uint32_t{1} << 20;  ///< kCount
  std::string_view key = {};                    ///< in files, where it is not made of the name
  std::string_view once = {};                   ///< an earlier name, which goes on to count
};

[[nodiscard]] std::span<const Flag> all_flags();
[[nodiscard]] const Flag* find_flag(std::string_view name);

/// The names by which environment and files may give it, the first one first.
[[nodiscard]] std::vector<std::string> environment_names(const Flag& flag);
[[nodiscard]] std::vector<std::string> file_keys(const Flag& flag);

[[nodiscard]] std::string environment_name(const Flag& flag);  ///< VECMILL_BATCH_SIZE
[[nodiscard]] std::string file_key(const Flag& flag);          ///< batch_size

/// Whether `text` can be a value of the flag; `where` is named in the error.
///   errors  kInvalidArgument
Status check_value(const Flag& flag, std::string_view text, const std::string& where);

}  // namespace vecmill::cli
