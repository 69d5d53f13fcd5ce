#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "vecmill/encode/heads.h"
#include "vecmill/encode/packed_file.h"
#include "vecmill/encode/packed_writer.h"
#include "vecmill/result.h"

namespace vecmill::encode {

/// The heads that a model folder has as safetensors.
[[nodiscard]] Outputs outputs_of(const std::filesystem::path& model_folder);

/// Heads for people: "sparse head", "multi-vector head".
[[nodiscard]] std::vector<std::string> head_labels(const Outputs& outputs);

/// Why a head is not there though it was asked for, and the way out: only a .pt is in the folder,
/// which import converts, or nothing at all.
///   wanted  what was asked for, some of it not in `had`
[[nodiscard]] Error missing_head(const std::filesystem::path& model_folder,
                                 const std::string& model, const Outputs& wanted,
                                 const Outputs& had);

/// Packs sparse_linear.safetensors and colbert_linear.safetensors where they are there.
///   errors  kMismatch naming file and tensor; kInvalidData
Result<PackedHeads> pack_heads(const std::filesystem::path& model_folder, std::uint32_t hidden,
                               PackedWriter& writer);

/// Those of a packed file, verified.
Result<Heads> load_heads(const PackedFile& file, std::uint32_t hidden);

}  // namespace vecmill::encode
