#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "vecmill/result.h"

namespace vecmill::hub {

/// The folders that `modules.json` names, without the root itself.
///   errors  kInvalidData
Result<std::vector<std::string>> parse_module_folders(std::string_view json,
                                                      const std::string& where);

/// Of all files of a model those that an encoder needs: configuration, tokenizer, modules, and one
/// form of the weights per folder (safetensors before pickled). Sorted.
///   all  paths relative to the model
[[nodiscard]] std::vector<std::string> select_files(const std::vector<std::string>& all,
                                                    const std::vector<std::string>& modules);

/// Weights in any form.
[[nodiscard]] bool is_weights(std::string_view path);
/// Weights inside a pickle: `pytorch_model*.bin`, `*.pt`.
[[nodiscard]] bool is_pickled(std::string_view path);
/// "a/pytorch_model.bin" → "a/model.safetensors", "x.pt" → "x.safetensors".
[[nodiscard]] std::string safetensors_name(std::string_view pickled_path);

/// The index of sharded weights with the shards' names changed as safetensors_name does.
///   errors  kInvalidData
Result<std::string> convert_index(std::string_view json, const std::string& where);

/// Where in a tree the model lies: the folder ("" or with '/' at its end) with `modules.json`, or
/// with `config.json` and weights.
///   errors  kNotFound saying what was looked for, kInvalidData listing several
Result<std::string> find_model_root(const std::vector<std::string>& all, const std::string& where);

}  // namespace vecmill::hub
