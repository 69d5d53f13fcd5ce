#pragma once

#include <array>
#include <cstdint>
#include <functional>

#include "vecmill/base/database.h"

namespace vecmill {

/// The SQL that makes a file of one version one of the next.
struct Upgrade {
  std::int64_t from = 0;  ///< 0: none
  const char* sql = nullptr;
};

/// What tells a kind of SQLite file from every other.
struct FileFormat {
  const char* name;  ///< "cache"
  std::int64_t application = 0, version = 0;
  const char* tables;   ///< the SQL that creates them
  const char* way_out;  ///< what to do with a file of another version
  std::array<Upgrade, 2> upgrades = {};
};

/// Makes an empty file one of this format, all or nothing, with what `fill` writes in the same
/// transaction; of one that is not empty, checks program and version, and upgrades an older version
/// where the format can. Processes may race.
///   errors  kUnsupported: of another program or version; those of SQLite
Status prepare_file(Database& db, const FileFormat& format,
                    const std::function<Status()>& fill = {});

/// The first column of the first row; 0 when there is none.
Result<std::int64_t> read_number(const Database& db, std::string_view sql);

}  // namespace vecmill
