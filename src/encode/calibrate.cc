#include "vecmill/encode/calibrate.h"

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "vecmill/base/resources.h"
#include "vecmill/encode/forward.h"
#include "vecmill/encode/packed_model.h"
#include "vecmill/encode/team.h"

namespace vecmill::encode {
namespace {

using Batch = std::vector<std::span<const TokenId>>;

/// In the order of the texts, of so many tokens that weights, which pass by for each, cost little.
std::vector<Batch> batches(std::span<const std::vector<TokenId>> texts, std::size_t most) {
  constexpr std::size_t kTokens = 1024;
  std::vector<Batch> all;
  std::size_t tokens = kTokens;
  for (const std::vector<TokenId>& text : texts) {
    if (text.empty()) continue;
    if (tokens >= kTokens) {
      all.emplace_back();
      tokens = 0;
    }
    all.back().emplace_back(text.data(), std::min(text.size(), most));
    tokens += all.back().back().size();
  }
  return all;
}

StatisticsByLinear room_for(const Transformer& model) {
  StatisticsByLinear seen;
  for (const Layer& layer : model.layers) {
    for (const auto& [name, member] : kLinears) {
      const Linear& linear = layer.*member;
      if (linear.is_there()) seen[&linear].add(nullptr, 0, linear.in);
    }
  }
  return seen;
}

}  // namespace

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
  StatisticsByLinear seen = room_for(model.transformer);
  Workspace workspace;
  workspace.statistics = &seen;
  Team team(usable_cores());
  std::vector<float> hidden;
  for (const Batch& batch : batches(texts, model.config.description.max_tokens)) {
    std::size_t tokens = 0;
    for (const auto& ids : batch) {
      VECMILL_TRY(model.verify_words(ids));
      tokens += ids.size();
    }
    hidden.resize(tokens * model.transformer.hidden);
    prepare(model.transformer, batch, team.size(), workspace);
    team.run([&](const Crew& crew) {
      forward(model.transformer, kernels(isa), batch, workspace, hidden.data(), crew);
    });
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
