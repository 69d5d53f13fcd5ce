#pragma once

namespace vecmill {

/// What an embedding job may change in Qdrant besides points. docs/qdrant.md
struct QdrantOptions {
  bool create = false;  ///< the collection, where it is missing
};

}  // namespace vecmill
