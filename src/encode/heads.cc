#include "vecmill/encode/heads.h"

#include <algorithm>

#include "vecmill/base/check.h"
#include "vecmill/encode/linear_product.h"
#include "vecmill/encode/post_modules.h"

namespace vecmill::encode {
namespace {

/// Of each token the largest weight.
void keep_largest(SparseVector& weights) {
  std::sort(weights.begin(), weights.end(), [](const TokenWeight& a, const TokenWeight& b) {
    return a.token != b.token ? a.token < b.token : a.weight > b.weight;
  });
  const auto same = [](const TokenWeight& a, const TokenWeight& b) { return a.token == b.token; };
  weights.erase(std::unique(weights.begin(), weights.end(), same), weights.end());
}

}  // namespace

void HeadPass::begin(const Heads& heads, const Outputs& wanted, std::size_t tokens) {
  VECMILL_CHECK(heads.outputs().contain(wanted));
  sparse_ = wanted.sparse ? heads.sparse : std::nullopt;
  multivector_ = wanted.multivector ? heads.multivector : std::nullopt;
  tokens_ = tokens;
  if (sparse_) weights_.resize(std::max(weights_.size(), tokens));
  if (multivector_) vectors_.resize(std::max(vectors_.size(), tokens * multivector_->out));
}

void HeadPass::project(const Kernels& kernels, const float* hidden, const Crew& crew) {
  const auto rows = static_cast<std::uint32_t>(tokens_);
  if (sparse_) {
    kernels.product(linear_product(*sparse_, hidden, rows, weights_.data(), crew));
  }
  if (multivector_) {
    kernels.product(linear_product(*multivector_, hidden, rows, vectors_.data(), crew));
  }
}

void HeadPass::finish(std::span<const TokenId> ids, std::size_t first,
                      std::span<const TokenId> dropped, TextHeads& out) const {
  out.sparse.clear();
  out.multivector.clear();
  if (sparse_) {
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const float weight = weights_[first + i];
      const bool is_dropped = std::find(dropped.begin(), dropped.end(), ids[i]) != dropped.end();
      if (weight > 0 && !is_dropped) out.sparse.push_back({ids[i], weight});
    }
    keep_largest(out.sparse);
  }
  if (multivector_) {
    const std::size_t dims = multivector_->out;
    const float* rows = vectors_.data() + first * dims;
    out.multivector.assign(rows + dims, rows + ids.size() * dims);
    for (std::size_t at = 0; at < out.multivector.size(); at += dims) {
      normalize(out.multivector.data() + at, dims);
    }
  }
}

}  // namespace vecmill::encode
