#pragma once

#include <chrono>
#include <span>
#include <string>
#include <vector>

#include "vecmill/result.h"

namespace vecmill::cache {

/// Where processes write down who makes what. Its clock counts. Thread-safe, bounded in time.
class LeaseServer {
 public:
  using Names = std::span<const std::string>;  ///< Key::name
  using Time = std::chrono::milliseconds;

  virtual ~LeaseServer() = default;

  /// Of each name, whether nobody had it, so that it is the holder's for so long.
  virtual Result<std::vector<bool>> take(Names names, const std::string& holder, Time lease) = 0;

  /// Those that the holder still has go on for so long; 0: they end. Others' stay as they are.
  virtual void extend(Names names, const std::string& holder, Time time) = 0;
};

}  // namespace vecmill::cache
