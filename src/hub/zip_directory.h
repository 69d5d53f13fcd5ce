#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "vecmill/hub/zip.h"
#include "vecmill/result.h"

namespace vecmill::hub {

/// Reads the directory at the end of a zip archive and the local headers it points to.
///   errors  kInvalidData, kUnsupported
Result<std::vector<ZipEntry>> read_zip_directory(std::span<const std::byte> file,
                                                 const std::string& where);

}  // namespace vecmill::hub
