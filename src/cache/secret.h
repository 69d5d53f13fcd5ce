#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "vecmill/result.h"

namespace vecmill::cache {

/// The secret that keys are made with (see KeyMaker): 32 random bytes. Made at the first call and
/// kept in `path`, with mode 0600; several processes that come first at once get the same one.
/// Whoever loses the file loses what is cached: nothing is found any more.
///   errors  kIo: cannot be created; see read_private_file; kInvalidData: damaged
Result<std::string> tenant_secret(const std::filesystem::path& path);

/// A key of encryption, 32 bytes, from text: 64 hexadecimal digits and white space around them.
///   errors  kAuth naming `where`, never the text
Result<std::string> encryption_key(std::string_view text, const std::string& where);

}  // namespace vecmill::cache
