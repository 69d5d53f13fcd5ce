#include "vecmill/encode/head_files.h"

#include <array>
#include <optional>
#include <span>
#include <utility>

#include "vecmill/encode/pack.h"
#include "vecmill/encode/weights.h"

namespace vecmill::encode {
namespace fs = std::filesystem;
namespace {

struct HeadName {
  const char* name;   ///< in the packed file
  const char* stem;   ///< of the file in the model folder
  const char* label;  ///< for people
  bool Outputs::*output;
};
constexpr std::array<HeadName, 2> kHeads = {{
    {"sparse", "sparse_linear", "sparse head", &Outputs::sparse},
    {"multivector", "colbert_linear", "multi-vector head", &Outputs::multivector},
}};

constexpr std::uint32_t kMostDims = 1 << 16;

fs::path file_of(const fs::path& folder, const HeadName& head, const char* extension) {
  return folder / (std::string(head.stem) + extension);
}

/// How many outputs the head has; the one of the sparse head is fixed.
std::uint32_t dims_of(const HeadName& head, const Weights& weights, std::uint32_t hidden) {
  if (head.output == &Outputs::sparse) return 1;
  const TensorInfo* info = weights.find("weight");
  const bool sound = info != nullptr && info->shape.size() == 2 && info->shape[0] > 0 &&
                     info->shape[0] <= kMostDims;
  return sound ? static_cast<std::uint32_t>(info->shape[0]) : hidden;
}

Result<PackedHead> pack_head(const HeadName& head, const fs::path& path, std::uint32_t hidden,
                             PackedWriter& writer) {
  VECMILL_ASSIGN(const Weights weights, Weights::open_file(path));
  PackedHead packed;
  packed.dims = dims_of(head, weights, hidden);
  VECMILL_ASSIGN(const auto weight, weights.read("weight", {packed.dims, hidden}));
  VECMILL_ASSIGN(auto bias, weights.read("bias", {packed.dims}));
  std::vector<float> panels(packed_floats(packed.dims, hidden));
  pack_linear(weight.data(), packed.dims, hidden, panels.data());
  bias.resize(padded(packed.dims));
  const std::string to = "head." + std::string(head.name);
  VECMILL_TRY(writer.add(to + ".weight", panels));
  VECMILL_TRY(writer.add(to + ".bias", bias));
  VECMILL_ASSIGN(packed.source, source_of(path, path.parent_path()));
  return packed;
}

Result<std::optional<Linear>> load_head(const PackedFile& file, const char* name,
                                        std::uint32_t hidden) {
  const auto found = file.meta().heads.find(name);
  if (found == file.meta().heads.end()) return std::optional<Linear>();
  Linear linear{};
  linear.in = hidden;
  linear.out = found->second.dims;
  const std::string from = "head." + std::string(name);
  VECMILL_ASSIGN(linear.packed, file.tensor(from + ".weight", packed_floats(linear.out, hidden)));
  VECMILL_ASSIGN(linear.bias, file.tensor(from + ".bias", padded(linear.out)));
  return std::optional<Linear>(linear);
}

}  // namespace

Outputs outputs_of(const fs::path& model_folder) {
  Outputs outputs;
  for (const HeadName& head : kHeads) {
    outputs.*head.output = is_there(file_of(model_folder, head, ".safetensors"));
  }
  return outputs;
}

std::vector<std::string> head_labels(const Outputs& outputs) {
  std::vector<std::string> labels;
  for (const HeadName& head : kHeads) {
    if (outputs.*head.output) labels.emplace_back(head.label);
  }
  return labels;
}

Error missing_head(const fs::path& model_folder, const std::string& model, const Outputs& wanted,
                   const Outputs& had) {
  for (const HeadName& head : kHeads) {
    if (!(wanted.*head.output) || had.*head.output) continue;
    const fs::path pickled = file_of(model_folder, head, ".pt");
    if (is_there(pickled)) {
      return make_error(ErrorKind::kUnsupported,
                        "has its " + std::string(head.label) + " only as " +
                            pickled.filename().string() + ", which is only read on import",
                        model_folder.string(),
                        "run: vecmill import " + model_folder.string() +
                            (model.starts_with('/') ? "" : " --name " + model));
    }
  }
  return make_error(ErrorKind::kUnsupported,
                    "gives " + name(had) + ", " + name(wanted) + " was asked for", model,
                    "a model with heads for them is BAAI/bge-m3");
}

Result<PackedHeads> pack_heads(const fs::path& model_folder, std::uint32_t hidden,
                               PackedWriter& writer) {
  PackedHeads packed;
  for (const HeadName& head : kHeads) {
    const fs::path path = file_of(model_folder, head, ".safetensors");
    if (!is_there(path)) continue;
    VECMILL_ASSIGN(PackedHead one, pack_head(head, path, hidden, writer));
    packed.emplace(head.name, std::move(one));
  }
  return packed;
}

Result<Heads> load_heads(const PackedFile& file, std::uint32_t hidden) {
  Heads heads;
  VECMILL_ASSIGN(heads.sparse, load_head(file, "sparse", hidden));
  VECMILL_ASSIGN(heads.multivector, load_head(file, "multivector", hidden));
  return heads;
}

}  // namespace vecmill::encode
