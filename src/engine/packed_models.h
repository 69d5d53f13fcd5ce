#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "vecmill/engine/dtype.h"
#include "vecmill/result.h"

namespace vecmill::engine {

/// Where something made from a model folder is kept, in a folder that is there: Vecmill's own home,
/// under a name that changes when a file of the model or the packed format does.
Result<std::filesystem::path> kept_file(const std::filesystem::path& model_folder,
                                        std::string_view ending);

/// The ending of the packed file of an arithmetic.
[[nodiscard]] std::string packed_ending(Dtype dtype);

/// The packed file of a model folder, made if it is not there.
Result<std::filesystem::path> packed_file_of(const std::filesystem::path& model_folder,
                                             Dtype dtype = Dtype::kF32);

/// Packs a model folder and opens it, so that one that cannot be used is known by what is wrong
/// with it. Gives the packed file, which `adopt_packed` makes that of the folder the model ends up
/// in.
Result<std::filesystem::path> try_model(const std::filesystem::path& model_folder);
Status adopt_packed(const std::filesystem::path& packed, const std::filesystem::path& model_folder);

}  // namespace vecmill::engine
