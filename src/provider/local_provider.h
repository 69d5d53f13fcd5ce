#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "vecmill/provider.h"

namespace vecmill::provider {

struct LocalOptions {
  std::filesystem::path model_folder;  ///< configuration and tokenizer
  std::filesystem::path packed_file;   ///< its weights, made by encode::pack
  std::string name;                    ///< what people call the model
  std::uint32_t dims = 0;              ///< Matryoshka; 0: all
  std::uint32_t max_seq_length = 0;    ///< 0: the model's own limit
  std::uint32_t threads = 1;           ///< that a call with a single text may use
  /// Bytes of memory for the process, word embeddings not counted: of them pages are read as they
  /// are needed. 0: all that it may use.
  std::uint64_t max_memory = 0;
};

/// A model on this processor. A call runs on the caller's thread; only one that holds a single text
/// uses more, for latency. Calls that have no memory beside one another wait, and large ones are
/// encoded in parts, which gives the same vectors.
///   errors  those of encode::Encoder::open and tokenize::Tokenizer::from_folder;
///           kInvalidArgument: dims or max_seq_length beyond the model's, too little memory
Result<std::unique_ptr<Provider>> make_local_provider(const LocalOptions& options);

}  // namespace vecmill::provider
