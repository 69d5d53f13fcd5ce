#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "vecmill/hub/hub_client.h"
#include "vecmill/hub/hub_listing.h"
#include "vecmill/hub/staging.h"
#include "vecmill/result.h"

namespace vecmill::hub {

struct FetchedFile {
  StagedFile staged;
  std::uint64_t fetched = 0;  ///< bytes that came over the network
};

/// Brings a file into the staging folder, going on behind the bytes that an earlier call left
/// there, and compares its hash with the listed one.
///   progress  gets how many of the file's bytes are there, now and then
///   errors    as pull; kMismatch when other bytes come than the Hub listed
Result<FetchedFile> fetch_file(HubClient& hub, Staging& staging, const std::string& url,
                               const ListedFile& file,
                               const std::function<void(std::uint64_t)>& progress);

}  // namespace vecmill::hub
