#include "vecmill/encode/pooling.h"

#include <algorithm>
#include <cmath>

#include "vecmill/base/check.h"

namespace vecmill::encode {
namespace {

const float* row(const TokenRows& rows, std::uint32_t token) {
  return rows.first + static_cast<std::size_t>(token) * rows.dims;
}

void pool_max(const TokenRows& rows, float* out) {
  std::copy_n(row(rows, rows.skipped), rows.dims, out);
  for (std::uint32_t t = rows.skipped + 1; t < rows.tokens; ++t) {
    const float* x = row(rows, t);
    for (std::uint32_t i = 0; i < rows.dims; ++i) out[i] = std::max(out[i], x[i]);
  }
}

void pool_sum(const TokenRows& rows, float divisor, float* out) {
  std::fill_n(out, rows.dims, 0.0f);
  for (std::uint32_t t = rows.skipped; t < rows.tokens; ++t) {
    const float* x = row(rows, t);
    for (std::uint32_t i = 0; i < rows.dims; ++i) out[i] += x[i];
  }
  for (std::uint32_t i = 0; i < rows.dims; ++i) out[i] /= divisor;
}

/// Token t weighs t + 1, counted from the start of the text even where a prompt is left out.
void pool_weighted(const TokenRows& rows, float* out) {
  std::fill_n(out, rows.dims, 0.0f);
  float total = 0;
  for (std::uint32_t t = rows.skipped; t < rows.tokens; ++t) {
    const float* x = row(rows, t);
    const auto weight = static_cast<float>(t + 1);
    total += weight;
    for (std::uint32_t i = 0; i < rows.dims; ++i) out[i] += x[i] * weight;
  }
  for (std::uint32_t i = 0; i < rows.dims; ++i) out[i] /= total;
}

void pool_one(PoolingMode mode, const TokenRows& rows, float* out) {
  const auto count = static_cast<float>(rows.tokens - rows.skipped);
  switch (mode) {
    case PoolingMode::kCls: std::copy_n(row(rows, rows.skipped), rows.dims, out); return;
    case PoolingMode::kMax: pool_max(rows, out); return;
    case PoolingMode::kMean: pool_sum(rows, count, out); return;
    case PoolingMode::kMeanSqrtLen: pool_sum(rows, std::sqrt(count), out); return;
    case PoolingMode::kWeightedMean: pool_weighted(rows, out); return;
    case PoolingMode::kLastToken: std::copy_n(row(rows, rows.tokens - 1), rows.dims, out); return;
  }
}

}  // namespace

void pool(const std::vector<PoolingMode>& modes, const TokenRows& rows, float* out) {
  VECMILL_CHECK(rows.skipped < rows.tokens);
  for (const PoolingMode mode : modes) {
    pool_one(mode, rows, out);
    out += rows.dims;
  }
}

}  // namespace vecmill::encode
