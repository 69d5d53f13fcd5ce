#pragma once

#include "vecmill/cli/settings.h"
#include "vecmill/engine.h"

namespace vecmill::cli {

/// What the settings say about the model and the machine.
[[nodiscard]]  /// Without a cache; see add_cache.
ModelOptions
model_options(const Settings& settings);

/// The same for vectors that are there: what was said by hand comes before what they were made
/// with.
[[nodiscard]] ModelOptions model_options(const Settings& settings, const ModelOptions& made_with);

[[nodiscard]] EmbedOptions embed_options(const Settings& settings);

/// A line for people, where a model has something to say of what is asked of it.
void say_note(const Engine& engine, const EmbedOptions& options, bool quiet);

/// What the settings say about reading texts; inputs are those given.
[[nodiscard]] EmbedJob read_job(const Settings& settings, std::vector<std::string> inputs);

}  // namespace vecmill::cli
