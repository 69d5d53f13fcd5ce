#pragma once

#include <filesystem>
#include <string>

#include "vecmill/sink/checkpoint.h"
#include "vecmill/sink/sink_factory.h"

namespace vecmill::sink {

/// X.db: table `vectors` in input order and table `meta`; `sparse` and `multivectors` where they
/// were asked for; X.failed.jsonl beside it. While it runs everything is in X.db.partial, where a
/// commit is one transaction with the position inside. SQLite writes to the real disk; names and
/// X.failed.jsonl go by `options.files`.
Result<Opened> open_sqlite_sink(const std::filesystem::path& out, const Identity& identity,
                                const SinkOptions& options);

/// The statements that make the tables of a .db in the database `in`.
[[nodiscard]] std::string create_tables(const std::string& in, const Outputs& outputs);

/// The meta table as meta_text() would show it.
///   errors  kInvalidData when it is not such a database
Result<Meta> read_sqlite_meta(const std::filesystem::path& path);

}  // namespace vecmill::sink
