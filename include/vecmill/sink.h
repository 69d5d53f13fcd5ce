#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "vecmill/outputs.h"
#include "vecmill/result.h"

namespace vecmill {

/// What a set of vectors is: two sets may be mixed or compared only if all of this is equal.
struct SpaceInfo {
  std::string space;       ///< SHA-256 in hex of everything that changes what a vector means
  std::string arithmetic;  ///< "f32/1": number format and the version of the engine's numerics
  std::string model;       ///< the name the user gave, for people to read
  std::uint32_t dims = 0;
  std::uint32_t max_tokens = 0;        ///< that a text was cut at; 0: none. Part of `space`, too
  Outputs outputs = {};                ///< what there is of each text
  std::uint32_t multivector_dims = 0;  ///< of a token's vector, where there are such
  std::uint32_t sparse_dims = 0;       ///< tokens that can have a weight, where that is known
  std::string fallback = {};           ///< models whose vectors count as these, and by whose word
};

/// One finished text, or one that failed: `error` set means there is no vector.
struct OutputRow {
  std::string id;
  std::vector<float> vector;  ///< [dims]; empty on failure or when it was not asked for
  std::string metadata;       ///< JSON object text or empty
  std::uint32_t truncated_tokens = 0;
  std::optional<Error> error = {};
  SparseVector sparse = {};             ///< empty as `vector`
  std::vector<float> multivector = {};  ///< [n, multivector_dims], empty as `vector`
  std::string text_hash = {};  ///< SHA-256 in hex of the text, for a sink that wants_text_hash
  std::string degraded = {};   ///< see Embedding; for sinks that have a place for it
};

/// Where vectors go. Used by one thread. Idempotent: writing a row with an id and position that is
/// already there replaces it with the same thing.
class Sink {
 public:
  virtual ~Sink() = default;

  /// Appends rows in input order. Not durable until `commit`.
  virtual Status write(std::span<const OutputRow> rows) = 0;

  /// Makes all rows so far durable, together with `position` (of the source, right behind them).
  virtual Status commit(const std::string& position) = 0;

  /// Ends the set: all files get their final names. Nothing may be written afterwards.
  virtual Status finish() = 0;

  /// Whether rows must say which text they were made of.
  [[nodiscard]] virtual bool wants_text_hash() const { return false; }

  /// What the user should know at the end, a sentence each.
  [[nodiscard]] virtual std::vector<std::string> notes() const { return {}; }
};

}  // namespace vecmill
