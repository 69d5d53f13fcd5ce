// modules: hub
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "vecmill/base/check.h"
#include "vecmill/hub/blob_hash.h"
#include "vecmill/hub/file_selection.h"
#include "vecmill/hub/hub_listing.h"
#include "vecmill/hub/zip.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vecmill::hub;
  const std::string_view json(reinterpret_cast<const char*>(data), size);
  if (const auto folders = parse_module_folders(json, "fuzz")) {
    for (const std::string& folder : *folders) VECMILL_CHECK(is_safe_relative_path(folder));
  }
  (void)convert_index(json, "fuzz");
  const auto listing = parse_listing(json, "fuzz");
  if (!listing) return 0;
  for (const ListedFile& file : listing->files) {
    VECMILL_CHECK(is_safe_relative_path(file.path));
    // A mirror may list no hashes; then each file is asked for its own.
    VECMILL_CHECK(file.id.empty() || is_blob_id(file.id));
  }
  return 0;
}
