#pragma once

#include <memory>
#include <string>

#include "vecmill/cache.h"
#include "vecmill/cache/cache.h"
#include "vecmill/cache/sqlite_level.h"
#include "vecmill/engine.h"
#include "vecmill/engine/shared_server.h"
#include "vecmill/provider.h"
#include "vecmill/result.h"

namespace vecmill::engine {

[[nodiscard]] bool wants_cache(CacheMode mode, bool remote);

/// A cache in its file, and the secret that its keys are made with.
class VectorCache {
 public:
  /// Makes the folder, the file and the secret that are not there yet. What is put in for one
  /// tenant is found for no other. `shared`: where vectors are kept also; null: in the file only.
  ///   errors  as cache_status
  static Result<std::unique_ptr<VectorCache>> open(
      const CacheOptions& options, bool remote, const std::string& tenant = {},
      const std::shared_ptr<SharedServer>& shared = {});

  /// A provider that is asked only for what is missing in here.
  [[nodiscard]] std::unique_ptr<Provider> in_front_of(std::unique_ptr<Provider> provider) const;

  /// What went wrong with the file so far: it costs time, never a result.
  void tell(CacheReport& report) const;
  /// The last failure to read or write the file.
  [[nodiscard]] std::optional<Error> failure() const {
    return cache_->stats().failure_of[file_at_];
  }

  /// Removes rows whose time is over, in small steps and for a tenth of a second at most.
  void clean();

 private:
  VectorCache() = default;

  std::shared_ptr<cache::Cache> cache_;
  cache::SqliteLevel* file_ = nullptr;  ///< in `cache_`
  std::size_t file_at_ = 0;             ///< among its levels
  std::string secret_;
  std::string path_;
};

}  // namespace vecmill::engine
