#include "vecmill/encode/distance_bias.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>

namespace vecmill::encode {
namespace {

/// T5's rule with both directions, as MPNet uses it; the logarithm in single precision like the
/// reference, which decides at the edges.
std::uint32_t bucket(std::int32_t distance, std::uint32_t buckets) {
  constexpr float kMaxDistance = 128.0F;
  const std::uint32_t half = buckets / 2;
  const std::uint32_t base = distance > 0 ? half : 0;  // the key stands to the right
  const auto a = static_cast<std::uint32_t>(std::abs(distance));
  const std::uint32_t exact = half / 2;
  if (a < exact) return base + a;
  const float scaled = std::log(static_cast<float>(a) / static_cast<float>(exact)) /
                       std::log(kMaxDistance / static_cast<float>(exact)) *
                       static_cast<float>(half - exact);
  return base + std::min(half - 1, exact + static_cast<std::uint32_t>(scaled));
}

}  // namespace

void fill_distances(const Transformer& model, std::uint32_t longest, float* distances) {
  const auto reach = static_cast<std::int32_t>(longest) - 1;
  for (std::int32_t distance = -reach; distance <= reach; ++distance) {
    const float* row = model.alibi_slopes;
    float factor = static_cast<float>(-std::abs(distance));
    if (row == nullptr) {
      row =
          model.relative_bias + std::size_t{bucket(distance, model.relative_buckets)} * model.heads;
      factor = 1.0F;
    }
    for (std::uint32_t head = 0; head < model.heads; ++head) {
      distances[std::size_t{head} * (2 * longest - 1) +
                static_cast<std::size_t>(distance + reach)] = row[head] * factor;
    }
  }
}

void fill_window(std::uint32_t window, std::uint32_t longest, float* distances) {
  constexpr float kUnseen = -1.0e30F;
  const std::uint32_t reach = longest - 1;
  std::fill_n(distances, 2 * std::size_t{longest} - 1, kUnseen);
  const std::uint32_t seen = std::min(window, reach);
  std::fill_n(distances + (reach - seen), 2 * std::size_t{seen} + 1, 0.0F);
}

std::vector<float> alibi_slopes(std::uint32_t heads) {
  const std::uint32_t whole = std::bit_floor(heads);
  std::vector<float> slopes;
  for (std::uint32_t i = 1; i <= whole; ++i) {
    slopes.push_back(static_cast<float>(std::exp2(-8.0 * i / whole)));
  }
  for (std::uint32_t i = 1; slopes.size() < heads; i += 2) {
    slopes.push_back(static_cast<float>(std::exp2(-8.0 * i / (2 * whole))));
  }
  return slopes;
}

}  // namespace vecmill::encode
