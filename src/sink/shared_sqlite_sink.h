#pragma once

#include <filesystem>
#include <memory>

#include "vecmill/result.h"
#include "vecmill/sink.h"
#include "vecmill/sink/checkpoint.h"

namespace vecmill::sink {

/// A .db as sink::open makes it, made when it is not there, into which any number of processes of
/// one machine write at once: what is written is durable and in its place when `write` returns, and
/// nothing is left to `commit` or `finish`. A row whose id is there already replaces it.
///   errors  kInvalidArgument: an interrupted run of another kind is there, or more than dense
///           vectors were asked for; kMismatch: another space, arithmetic or store; kIo
Result<std::unique_ptr<Sink>> open_shared_sqlite_sink(const std::filesystem::path& out,
                                                      const Identity& identity);

}  // namespace vecmill::sink
