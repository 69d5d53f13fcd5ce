#pragma once

#include "vecmill/encode/json_reader.h"
#include "vecmill/encode/model_config.h"
#include "vecmill/result.h"

namespace vecmill::encode {

/// What the config.json of a family says beyond the sizes that all have: ELECTRA, ModernBERT,
/// nomic-bert, gte and jina-bert. Their published code is the reference, under its old keys and
/// under those of transformers 5.
///   errors  kInvalidData, kUnsupported naming the setting
Status read_family(const JsonReader& json, TransformerConfig& config);

}  // namespace vecmill::encode
