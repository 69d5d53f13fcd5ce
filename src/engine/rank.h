#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "vecmill/engine.h"
#include "vecmill/provider.h"
#include "vecmill/result.h"

namespace vecmill::engine {

/// What a query in this mode compares, of what an index has.
///   errors  kMismatch at `index`: it does not have that
Result<Outputs> compared_outputs(QueryMode mode, const Outputs& had, const std::string& index);

/// A question, embedded.
struct Question {
  const Embedding& embedding;
  Outputs compared;
  std::uint32_t multivector_dims = 0;
};

/// The `k` rows of an index with the largest scores, best first; equal ones by id.
///   errors  those of reading the index
Result<std::vector<Hit>> rank(const Question& question, const std::string& index, std::size_t k);

[[nodiscard]] float length(std::span<const float> v);
[[nodiscard]] float cosine(std::span<const float> a, std::span<const float> b, float length_of_a);

/// The sum over the tokens that both have of the product of their weights.
[[nodiscard]] float sparse_score(const SparseVector& a, const SparseVector& b);

/// The mean over the rows of the question, [n, dims], of the largest product with a row of the
/// document; 0 when one of them is empty.
[[nodiscard]] float multivector_score(std::span<const float> question,
                                      std::span<const float> document, std::size_t dims);

}  // namespace vecmill::engine
