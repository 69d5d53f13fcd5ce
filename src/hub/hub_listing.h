#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/result.h"

namespace vecmill::hub {

struct ListedFile {
  std::string path;
  std::uint64_t bytes = 0;
  std::string id;  ///< SHA-256 of a large file, else the SHA-1 that git gives its blob; or empty
};

struct HubListing {
  std::string commit;
  std::vector<ListedFile> files;  ///< sorted by path

  /// Null when there is none.
  [[nodiscard]] const ListedFile* find(std::string_view path) const;
};

/// The answer to /api/models/NAME/revision/REVISION?blobs=true. Some mirrors leave out sizes and
/// hashes: `id` is empty then.
///   errors  kInvalidData: not such an answer, a path that leads elsewhere, a hash that is none
Result<HubListing> parse_listing(std::string_view json, const std::string& where);

}  // namespace vecmill::hub
