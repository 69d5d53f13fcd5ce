#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "vecmill/engine.h"
#include "vecmill/provider.h"
#include "vecmill/result.h"

namespace vecmill::remote {
class SharedState;
}

namespace vecmill::engine {

class ModelSpending;

struct OpenedModel {
  std::unique_ptr<Provider> provider;
  std::vector<std::shared_ptr<ModelSpending>> spendings = {};     ///< of those who bill
  std::vector<std::shared_ptr<remote::SharedState>> shared = {};  ///< of those with shared limits
  std::function<void(EmbedReport&)> tell = {};  ///< what a chain of models did; null: one model
};

/// The model that `ModelOptions::model` names, ready to embed. A stored model is packed for the
/// encoder when it is used for the first time. Of its fallbacks only the patience is looked at.
///   known_dims  of a model behind an API, where the caller knows them; 0: it is asked
Result<OpenedModel> open_model(const ModelOptions& options, std::uint32_t threads,
                               std::uint32_t known_dims = 0);

/// What opens the model that made vectors of this space.
[[nodiscard]] ModelOptions options_of(const SpaceInfo& space);

}  // namespace vecmill::engine
