#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "vecmill/remote/reply.h"
#include "vecmill/result.h"

namespace vecmill::remote {

struct Asked {
  std::span<const std::string_view> texts;
  std::uint32_t dims = 0;  ///< 0: any, the same for all
  std::string_view model;  ///< empty: any
};

/// Whether the reply can be the answer to what was asked: a vector for each text, each of the
/// asked dimension, finite and not zero, of the asked model, and no two texts with one vector.
/// Texts that differ in nothing but white space, the case of ASCII letters and what is not ASCII
/// may be the same to a model.
///   errors  kInvalidData: what is wrong, without any value
Status check_reply(const Reply& reply, const Asked& asked);

}  // namespace vecmill::remote
