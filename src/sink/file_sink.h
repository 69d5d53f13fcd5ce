#pragma once

#include <filesystem>

#include "vecmill/sink/checkpoint.h"
#include "vecmill/sink/sink_factory.h"

namespace vecmill::sink {

/// The sink of .npy and .jsonl: a set of files that grow together. While it runs they are named
/// X.*.partial beside a checkpoint that says up to where they are durable.
///   commit: sync files, then replace the checkpoint.
///   finish: sync files, checkpoint "finished", rename all, sync the folder, remove the checkpoint.
/// Whatever a crash leaves behind, opening with `resume` goes on from the last checkpoint.
Result<Opened> open_file_sink(const std::filesystem::path& out, const Identity& identity,
                              const SinkOptions& options);

}  // namespace vecmill::sink
