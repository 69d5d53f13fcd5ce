#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "vecmill/result.h"

namespace vecmill::source {

/// The fields of a file's records that are not metadata.
struct Fields {
  std::string text;
  std::string id;  ///< empty: the records have none, their place is their id
};

/// Chooses among the names of the first record. `named` holds the user's choices, empty where he
/// has none: then well-known names are looked for, in any case, the likeliest first.
///   errors  kInvalidData at `where` listing the names when there is no text or a named one is
///   missing
Result<Fields> choose_fields(std::span<const std::string> names, const Fields& named,
                             const std::string& where);

}  // namespace vecmill::source
