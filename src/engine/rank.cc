#include "vecmill/engine/rank.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "vecmill/sink/index.h"
#include "vecmill/sink/scan.h"

namespace vecmill::engine {
namespace {

/// The weights that the makers of bge-m3 use (its README).
constexpr float kDenseWeight = 0.4F, kSparseWeight = 0.2F, kMultivectorWeight = 0.4F;

double product(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += double{a[i]} * b[i];
  return sum;
}

/// In eight sums side by side, which a compiler turns into vector code.
float fast_product(const float* a, const float* b, std::size_t count) {
  std::array<float, 8> sums{};
  std::size_t i = 0;
  for (; i + sums.size() <= count; i += sums.size()) {
    for (std::size_t j = 0; j < sums.size(); ++j) sums[j] += a[i + j] * b[i + j];
  }
  float sum = 0;
  for (const float part : sums) sum += part;
  for (; i < count; ++i) sum += a[i] * b[i];
  return sum;
}

/// One score as it is; several with their weights, divided by the sum of the weights.
float score(const Question& question, float asked_length, const sink::ScannedRow& row) {
  float sum = 0, weights = 0;
  const auto add = [&](float weight, float value) {
    sum += weight * value;
    weights += weight;
  };
  const Embedding& asked = question.embedding;
  if (question.compared.dense) {
    add(kDenseWeight, cosine(asked.vector, row.vector, asked_length));
  }
  if (question.compared.sparse) add(kSparseWeight, sparse_score(asked.sparse, row.sparse));
  if (question.compared.multivector) {
    add(kMultivectorWeight,
        multivector_score(asked.multivector, row.multivector, question.multivector_dims));
  }
  return sum / weights;
}

Result<std::vector<Hit>> all_hits(const Question& question, const std::string& index) {
  std::vector<Hit> hits;
  const float asked_length = length(question.embedding.vector);
  if (question.compared.only_dense()) {
    VECMILL_ASSIGN(const sink::Index rows, sink::read_index(index));
    std::vector<float> scratch;
    const std::vector<float>& asked = question.embedding.vector;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      hits.push_back({rows.ids[i], cosine(asked, rows.row(i, scratch), asked_length)});
    }
    return hits;
  }
  VECMILL_ASSIGN(const sink::Meta meta, sink::read_description(index));
  VECMILL_TRY(sink::scan_rows(index, meta, question.compared, [&](const sink::ScannedRow& row) {
    hits.push_back({row.id, score(question, asked_length, row)});
    return Status();
  }));
  return hits;
}

}  // namespace

Result<Outputs> compared_outputs(QueryMode mode, const Outputs& had, const std::string& index) {
  Outputs wanted;
  switch (mode) {
    case QueryMode::kAuto: wanted = had.dense ? Outputs{} : had; break;
    case QueryMode::kDense: break;
    case QueryMode::kSparse: wanted = {false, true, false}; break;
    case QueryMode::kMultivector: wanted = {false, false, true}; break;
    case QueryMode::kHybrid: wanted = had; break;
  }
  const bool one = int{wanted.dense} + int{wanted.sparse} + int{wanted.multivector} == 1;
  if (had.contain(wanted) && !(one && mode == QueryMode::kHybrid)) return wanted;
  return make_error(ErrorKind::kMismatch,
                    "holds " + name(had) + ", " +
                        (mode == QueryMode::kHybrid ? "which is nothing to combine"
                                                    : name(wanted) + " was asked for"),
                    index, "embed the texts again with --outputs dense,sparse,multivector");
}

Result<std::vector<Hit>> rank(const Question& question, const std::string& index, std::size_t k) {
  VECMILL_ASSIGN(std::vector<Hit> hits, all_hits(question, index));
  k = std::min(k, hits.size());
  const auto better = [](const Hit& a, const Hit& b) {
    return a.score != b.score ? a.score > b.score : a.id < b.id;
  };
  std::partial_sort(hits.begin(), hits.begin() + static_cast<std::ptrdiff_t>(k), hits.end(),
                    better);
  hits.resize(k);
  return hits;
}

float length(std::span<const float> v) { return static_cast<float>(std::sqrt(product(v, v))); }

float cosine(std::span<const float> a, std::span<const float> b, float length_of_a) {
  const float lengths = length_of_a * length(b);
  return lengths > 0 ? static_cast<float>(product(a, b)) / lengths : 0.0F;
}

float sparse_score(const SparseVector& a, const SparseVector& b) {
  double sum = 0;
  auto other = b.begin();
  for (const auto& [token, weight] : a) {
    while (other != b.end() && other->token < token) ++other;
    if (other == b.end()) break;
    if (other->token == token) sum += double{weight} * other->weight;
  }
  return static_cast<float>(sum);
}

float multivector_score(std::span<const float> question, std::span<const float> document,
                        std::size_t dims) {
  if (question.empty() || document.empty()) return 0;
  double sum = 0;
  for (std::size_t q = 0; q < question.size(); q += dims) {
    float best = -1;
    for (std::size_t d = 0; d < document.size(); d += dims) {
      best = std::max(best, fast_product(question.data() + q, document.data() + d, dims));
    }
    sum += best;
  }
  const std::size_t tokens = question.size() / dims;
  return static_cast<float>(sum / static_cast<double>(tokens));
}

}  // namespace vecmill::engine
