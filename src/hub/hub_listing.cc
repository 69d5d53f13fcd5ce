#include "vecmill/hub/hub_listing.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "vecmill/hub/blob_hash.h"
#include "vecmill/hub/zip.h"

namespace vecmill::hub {
namespace {

std::uint64_t size_of(const nlohmann::json& entry) {  // throws, also for a number below 0
  return entry.at("size").get_ref<const std::uint64_t&>();
}

ListedFile read_file_entry(const nlohmann::json& entry) {  // throws
  ListedFile file;
  entry.at("rfilename").get_to(file.path);
  const auto lfs = entry.find("lfs");
  if (lfs != entry.end() && !lfs->is_null()) {
    lfs->at("sha256").get_to(file.id);
    file.bytes = size_of(*lfs);
  } else if (entry.contains("blobId") && entry.contains("size")) {
    entry.at("blobId").get_to(file.id);
    file.bytes = size_of(entry);
  }
  return file;
}

}  // namespace

const ListedFile* HubListing::find(std::string_view path) const {
  const auto found = std::find_if(files.begin(), files.end(),
                                  [&](const ListedFile& file) { return file.path == path; });
  return found == files.end() ? nullptr : &*found;
}

Result<HubListing> parse_listing(std::string_view json, const std::string& where) {
  const auto broken = [&](const std::string& what) {
    return make_error(ErrorKind::kInvalidData, "does not answer like a Hugging Face Hub: " + what,
                      where, "check HF_ENDPOINT");
  };
  try {
    HubListing listing;
    const auto document = nlohmann::json::parse(json);
    document.at("sha").get_to(listing.commit);
    if (!is_hex(listing.commit, 40)) return broken("the commit is not 40 hex digits");
    for (const auto& entry : document.at("siblings")) {
      ListedFile file = read_file_entry(entry);
      if (!is_safe_relative_path(file.path)) return broken("a path leads out of the model");
      if (!file.id.empty() && !is_blob_id(file.id)) return broken("a hash is none");
      listing.files.push_back(std::move(file));
    }
    std::sort(listing.files.begin(), listing.files.end(),
              [](const ListedFile& a, const ListedFile& b) { return a.path < b.path; });
    return listing;
  } catch (const nlohmann::json::exception&) {
    return broken("the list of files is not what it should be");
  }
}

}  // namespace vecmill::hub
