#include "vecmill/engine/search_collection.h"

#include <algorithm>

#include "vecmill/place.h"
#include "vecmill/qdrant/client.h"
#include "vecmill/sink/json_vectors.h"
#include "vecmill/sink/qdrant_collection.h"
#include "vecmill/sink/scan.h"

namespace vecmill::engine {

Result<sink::Meta> describe_index(const std::string& index) {
  if (!is_qdrant_url(index)) return sink::read_description(index);
  VECMILL_ASSIGN(const qdrant::Url url, qdrant::parse_url(index));
  VECMILL_ASSIGN(qdrant::Client client, qdrant::Client::open(url));
  sink::Meta meta;
  VECMILL_ASSIGN(meta.identity, sink::read_identity(client));
  return meta;
}

Result<std::vector<Hit>> search_collection(const Question& question, const std::string& index,
                                           std::size_t k) {
  VECMILL_ASSIGN(const qdrant::Url url, qdrant::parse_url(index));
  const Outputs& compared = question.compared;
  if (int{compared.dense} + int{compared.sparse} + int{compared.multivector} > 1) {
    return make_error(ErrorKind::kUnsupported, "compares one kind of vectors at a time", url.shown,
                      "give --mode dense, sparse or multivector");
  }
  const Embedding& asked = question.embedding;
  std::string query, vector;
  float scale = 1;
  if (compared.dense) {
    vector = url.dense;
    sink::append_numbers(query, asked.vector, false);
  } else if (compared.sparse) {
    vector = url.sparse;
    sink::append_sparse(query, asked.sparse, false);
  } else {
    vector = url.multivector;
    sink::append_rows(query, asked.multivector, question.multivector_dims, false);
    // The server gives the sum over the tokens of the question, a file's scores are the mean.
    const std::size_t tokens = asked.multivector.size() / question.multivector_dims;
    scale = 1 / static_cast<float>(std::max<std::size_t>(tokens, 1));
  }
  VECMILL_ASSIGN(qdrant::Client client, qdrant::Client::open(url));
  VECMILL_ASSIGN(const auto found, client.search(query, vector, k));
  std::vector<Hit> hits;
  for (const qdrant::Scored& scored : found) {
    const qdrant::Point& point = scored.point;
    hits.push_back({point.own_id.empty() ? point.id : point.own_id, scored.score * scale});
  }
  return hits;
}

}  // namespace vecmill::engine
