#include "vecmill/encode/heads.h"

#include <algorithm>

#include "vecmill/base/check.h"
#include "vecmill/encode/pack.h"
#include "vecmill/encode/post_modules.h"

namespace vecmill::encode {
namespace {

/// This member's share of the outputs of a head, for all rows.
void multiply(const Kernels& kernels, const Linear& linear, const float* hidden, std::size_t rows,
              float* out, const Crew& crew) {
  const auto share = crew.share(padded(linear.out) / kPanel);
  Product p;
  p.a = hidden;
  p.a_stride = linear.in;
  p.panels = linear.packed;
  p.rows = static_cast<std::uint32_t>(rows);
  p.k = linear.in;
  p.columns = linear.out;
  p.first_panel = share.first;
  p.last_panel = share.last;
  p.bias = linear.bias;
  p.out = out;
  p.out_stride = linear.out;
  kernels.product(p);
}

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
  if (sparse_) multiply(kernels, *sparse_, hidden, tokens_, weights_.data(), crew);
  if (multivector_) multiply(kernels, *multivector_, hidden, tokens_, vectors_.data(), crew);
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
