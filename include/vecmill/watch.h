#pragma once

#include <chrono>
#include <functional>
#include <stop_token>
#include <string>

#include "vecmill/engine.h"

namespace vecmill {

struct WatchOptions {
  /// How often the input is looked at where nothing tells of changes, and how long a server that
  /// stays out is left alone at most: the first pause is a second, each next one twice as long.
  std::chrono::seconds poll{10};
};

/// Called from one thread at a time; any may be empty.
struct WatchListeners {
  std::function<void(const EmbedProgress&)> progress = {};
  std::function<Status(const EmbedReport&)> pass = {};  ///< one that embedded or failed something
  std::function<void(const std::string&)> note = {};    ///< what there is to know, a sentence
};

/// Embeds what the output lacks, and again whenever the input changes, until `stop`. A table tells
/// of its changes where it has our trigger (job.postgres.create makes it); files, folders, views
/// and collections are looked at. Told to stop, it ends without an error.
///   errors  kInvalidArgument: standard input, or an output that one run completes (.npy, .jsonl,
///           .db); those of Engine::run that do not pass (key, settings, another space)
Status watch(Engine& engine, const EmbedJob& job, const WatchOptions& options,
             const WatchListeners& listeners, const std::stop_token& stop);

}  // namespace vecmill
