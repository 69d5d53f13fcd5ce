#include "vecmill/encode/calibrate.h"

#include <algorithm>
#include <utility>

#include "vecmill/encode/forward.h"
#include "vecmill/encode/packed_model.h"

namespace vecmill::encode {
Error has_no_layers(const char* arithmetic) {
  return make_error(ErrorKind::kInvalidArgument,
                    std::string("this model has no layers that ") + arithmetic + " could speed up",
                    "--dtype", "use auto or f32");
}

Result<StatisticsByName> measure_inputs(const Calibration& calibration) {
  VECMILL_ASSIGN(const PackedModel model, PackedModel::open(calibration.packed_f32));
  if (model.transformer.layers.empty()) {
    return has_no_layers("int8");
  }
  const auto& texts = calibration.texts;
  if (std::ranges::all_of(texts, [](const auto& text) { return text.empty(); })) {
    return make_error(ErrorKind::kInvalidArgument, "int8 needs texts to see what its inputs are");
  }
  VECMILL_ASSIGN(const Isa isa, choose_isa());
  StatisticsByLinear seen;
  Workspace workspace;
  workspace.statistics = &seen;
  std::vector<float> hidden;
  for (const std::vector<TokenId>& text : texts) {
    const std::size_t most = model.config.description.max_tokens;
    const std::span<const TokenId> ids(text.data(), std::min(text.size(), most));
    if (ids.empty()) continue;
    VECMILL_TRY(model.verify_words(ids));
    hidden.resize(ids.size() * model.transformer.hidden);
    forward(model.transformer, kernels(isa), {&ids, 1}, workspace, hidden.data());
  }
  StatisticsByName named;
  for (std::size_t i = 0; i < model.transformer.layers.size(); ++i) {
    const Layer& layer = model.transformer.layers[i];
    for (const auto& [name, member] : kLinears) {
      const Linear& linear = layer.*member;
      if (!linear.is_there()) continue;
      named["layer." + std::to_string(i) + "." + name] = std::move(seen[&linear]);
    }
  }
  return named;
}

}  // namespace vecmill::encode
