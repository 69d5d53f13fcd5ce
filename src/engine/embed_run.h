#pragma once

#include <functional>
#include <stop_token>

#include "vecmill/engine.h"
#include "vecmill/engine/embed_window.h"
#include "vecmill/engine/worker_pool.h"
#include "vecmill/provider.h"
#include "vecmill/result.h"
#include "vecmill/sink.h"
#include "vecmill/source.h"

namespace vecmill::engine {

struct RunParts {
  Source& source;  ///< already at the position to go on from
  Sink& sink;
  Provider& provider;
  WorkerPool& pool;
  std::function<Status(const Window&)> before = {};  ///< before a window is embedded
};

/// Reads windows on one thread, embeds them over the pool, writes and commits on a third. Memory is
/// bounded by the few windows in between. After a stop or an error everything that was embedded is
/// committed, up to the first text that was not, so that a resume goes on right behind it.
Result<EmbedReport> run_embedding(const RunParts& parts, EmbedJob job,
                                  const std::function<void(const EmbedProgress&)>& progress,
                                  const std::stop_token& stop);

/// The next window, at most so much as keeps a few minutes of work at stake; empty at the end.
///   outputs  what will be made of it: a vector for each token takes much memory
Result<Window> read_window(Source& source, const Outputs& outputs = {}, bool remote = false);

}  // namespace vecmill::engine
