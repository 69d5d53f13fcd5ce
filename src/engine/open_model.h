#pragma once

#include <cstdint>
#include <filesystem>
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

/// In which numbers the products of a model's layers are taken.
enum class Dtype : std::uint8_t { kF32, kInt8 };

/// The packed file of a model folder, made if it is not there. It stands in Vecmill's own home,
/// under a name that changes when a file of the model does.
Result<std::filesystem::path> packed_file_of(const std::filesystem::path& model_folder,
                                             Dtype dtype = Dtype::kF32);

/// Packs a model folder and opens it, so that one that cannot be used is known by what is wrong
/// with it. Gives the packed file, which `adopt_packed` makes that of the folder the model ends up
/// in.
Result<std::filesystem::path> try_model(const std::filesystem::path& model_folder);
Status adopt_packed(const std::filesystem::path& packed, const std::filesystem::path& model_folder);

}  // namespace vecmill::engine
