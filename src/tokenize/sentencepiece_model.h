#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/result.h"

namespace vecmill::tokenize {

/// What a SentencePiece model file (a protobuf) says, as far as its ids depend on it.
struct SentencePieceModel {
  enum class Type : std::int32_t {
    kNormal = 1,
    kUnknown = 2,
    kControl = 3,
    kUserDefined = 4,
    kUnused = 5,
    kByte = 6,
  };
  struct Piece {
    std::string text;
    float score = 0;
    Type type = Type::kNormal;
  };
  enum class Algorithm : std::int32_t { kUnigram = 1, kBpe = 2, kWord = 3, kChar = 4 };

  std::vector<Piece> pieces;
  std::string charsmap;  ///< raw; may be empty
  Algorithm algorithm = Algorithm::kUnigram;

  ///   errors  kInvalidData: cut off, not a protobuf, a piece that is not UTF-8
  static Result<SentencePieceModel> parse(std::string_view proto, const std::string& where);
};

}  // namespace vecmill::tokenize
