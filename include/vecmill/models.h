#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/result.h"

namespace vecmill {

/// The models on this machine: those in Vecmill's store and those other tools downloaded.
struct StoredModel {
  std::string name, revision, folder;
  std::string origin;  ///< "store", "hub cache", "torch cache", "folder"
};

struct ModelDetails {
  StoredModel stored;
  std::string architecture;
  std::vector<std::string> modules;  ///< "transformer", "pooling mean", "normalize"
  std::uint32_t dims = 0, layers = 0, vocab = 0;
  std::uint32_t max_tokens = 0;  ///< per text; 0: any number
  std::vector<std::pair<std::string, std::string>> prompts;
  /// What `--dtype auto` was found to be on this machine; empty: not measured yet, or a model that
  /// is always in f32.
  std::string auto_dtype;
  double bf16_speed = 0;         ///< f32 is 1
  double bf16_least_cosine = 0;  ///< to f32, over the built-in texts; 0: too slow to look at
  /// Of the multiplications with weights, where the model was used in int8 here; else 0.
  double int8_share = 0;
  /// Matrices some of whose inputs stay in f32, outliers among the others, and how many.
  std::vector<std::pair<std::string, std::uint32_t>> int8_outliers;
};

struct ModelCheck {
  std::uint64_t files = 0, bytes = 0;
  std::vector<std::string> problems;  ///< "file: what"; empty: all is well
};

/// One arithmetic of a model beside its f32, over built-in texts in 13 languages, on one thread.
struct ArithmeticCheck {
  std::string dtype;
  double mean_cosine = 0, least_cosine = 0;
  double speed = 0;  ///< f32 is 1
};

struct PullSummary {
  StoredModel model;
  std::uint64_t files = 0, bytes = 0, fetched = 0;
  std::vector<std::pair<std::string, std::uint64_t>> list;  ///< file, bytes
};

struct PullRequest {
  std::string name, revision;
  bool dry_run = false, offline = false;
  std::function<void(std::string_view file, std::uint64_t done, std::uint64_t total)> progress;
};

Result<std::vector<StoredModel>> list_models();
Result<ModelDetails> show_model(std::string_view name);
Result<ModelCheck> verify_model(std::string_view name);
/// Those that the model has been packed in here; none before one of them was used.
Result<std::vector<ArithmeticCheck>> compare_with_f32(std::string_view name);
Status remove_model(std::string_view name);

/// Folder, wheel or zip into the store, and packed for the encoder.
Result<StoredModel> import_model(const std::string& path, const std::string& name);
Result<PullSummary> pull_model(const PullRequest& request);

}  // namespace vecmill
