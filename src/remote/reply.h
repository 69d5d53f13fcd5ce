#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/remote/dialect.h"
#include "vecmill/result.h"

namespace vecmill::remote {

/// What a reply holds, as it says; nothing of it is checked beyond its form.
struct Reply {
  struct Row {
    std::uint64_t index = 0;  ///< of the text
    std::vector<float> vector;
  };
  std::vector<Row> rows;
  std::string model;         ///< empty where it names none
  std::uint64_t tokens = 0;  ///< billed; 0 where it does not say
};

/// The largest vector that is read.
inline constexpr std::size_t kMaxReplyDims = 65'536;

/// Reads a reply of status 200; `max_rows` as many as texts were sent.
///   errors  kInvalidData, without any byte of the reply
Result<Reply> parse_reply(const ReplyShape& shape, std::string_view body, std::size_t max_rows);

}  // namespace vecmill::remote
