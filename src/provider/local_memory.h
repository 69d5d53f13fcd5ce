#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "vecmill/encode/encoder.h"
#include "vecmill/result.h"

namespace vecmill::provider {

/// Bytes to work with beside the model, of `max_memory` (0: of all that this process may use).
///   errors  kInvalidArgument: not enough for a text of half a thousand tokens; what would do
Result<std::uint64_t> room_beside(const encode::Encoder& encoder, const std::string& name,
                                  std::uint64_t max_memory);

/// A text that all of the `room` is not enough for.
[[nodiscard]] Error too_large(std::size_t tokens, std::uint64_t bytes, std::uint64_t room);

/// Gives what the system has left; reads it ten times a second at most. One call at a time.
[[nodiscard]] std::function<std::uint64_t()> free_memory();

/// Workspaces that no call is using at the moment, but for those larger than `most` bytes.
/// Thread-safe.
class Workspaces {
 public:
  Workspaces(std::shared_ptr<const encode::Encoder> encoder, std::uint64_t most)
      : encoder_(std::move(encoder)), most_(most) {}

  [[nodiscard]] std::unique_ptr<encode::EncoderWorkspace> take();
  ///   bytes  that it may have grown to
  void give_back(std::unique_ptr<encode::EncoderWorkspace> workspace, std::uint64_t bytes);

 private:
  const std::shared_ptr<const encode::Encoder> encoder_;
  const std::uint64_t most_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<encode::EncoderWorkspace>> idle_;
};

}  // namespace vecmill::provider
