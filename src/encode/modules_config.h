#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "vecmill/encode/model_config.h"
#include "vecmill/result.h"

namespace vecmill::encode {

/// One line of modules.json.
struct ModuleEntry {
  std::string kind;    ///< "Transformer", "Pooling", ...: the class name alone
  std::string folder;  ///< relative, empty for the model folder itself
};

///   errors  kInvalidData; kUnsupported naming a class that sentence-transformers does not have
Result<std::vector<ModuleEntry>> parse_modules(std::string_view json, const std::string& where);

/// Each reads the config.json of its module's folder, in the layouts before and since 5.4.
Result<PoolingConfig> parse_pooling(std::string_view json, const std::string& where);
Result<DenseConfig> parse_dense(std::string_view json, const std::string& where);
Result<LayerNormConfig> parse_layer_norm(std::string_view json, const std::string& where);
Status check_normalize(std::string_view json, const std::string& where);

[[nodiscard]] std::string_view name(PoolingMode mode);
[[nodiscard]] std::string_view name(DenseActivation activation);

}  // namespace vecmill::encode
