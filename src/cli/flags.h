#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

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
};

[[nodiscard]] std::span<const Flag> all_flags();
[[nodiscard]] const Flag* find_flag(std::string_view name);

[[nodiscard]] std::string environment_name(const Flag& flag);  ///< VECMILL_BATCH_SIZE
[[nodiscard]] std::string file_key(const Flag& flag);          ///< batch_size

/// Whether `text` can be a value of the flag; `where` is named in the error.
///   errors  kInvalidArgument
Status check_value(const Flag& flag, std::string_view text, const std::string& where);

}  // namespace vecmill::cli
