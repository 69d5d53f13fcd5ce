#pragma once

#include <span>
#include <string>
#include <vector>

#include "vecmill/result.h"

namespace vecmill::source {

enum class Format { kText, kJsonl, kCsv, kTsv };

struct InputFile {
  std::string path;  ///< "-": standard input
  Format format;
};

/// The files behind what the user named, folders taken apart; each is there and readable. Files
/// that an earlier run wrote beside its output are left out of folders.
///   errors  as source::open
Result<std::vector<InputFile>> list_inputs(std::span<const std::string> inputs,
                                           const std::string& format);

}  // namespace vecmill::source
