#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "vecmill/encode/heads.h"
#include "vecmill/encode/model_config.h"
#include "vecmill/encode/packed_file.h"
#include "vecmill/encode/post_modules.h"
#include "vecmill/encode/transformer.h"
#include "vecmill/result.h"
#include "vecmill/tokens.h"

namespace vecmill::encode {

/// A packed file and what it means: pointers into it, verified, except for the word embeddings,
/// whose blocks are verified when the first text needs them.
struct PackedModel {
  PackedFile file;
  ModelConfig config;
  Transformer transformer;
  std::vector<PostStep> post;
  Heads heads;
  std::string weights_sha256;
  std::string fingerprint;

  ///   errors  as PackedFile::open and parse_model_config
  static Result<PackedModel> open(const std::filesystem::path& path);

  /// Verifies the embedding rows of these ids.
  ///   errors  kInvalidArgument: an id outside the vocabulary; kInvalidData: a damaged block
  [[nodiscard]] Status verify_words(std::span<const TokenId> ids) const;
};

}  // namespace vecmill::encode
