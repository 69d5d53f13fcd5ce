#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "vecmill/engine/dtype.h"
#include "vecmill/result.h"

namespace vecmill::engine {

/// What `--dtype auto` is for a model on this machine, and why.
struct Choice {
  Dtype dtype = Dtype::kF32;
  double speed = 0;         ///< of bf16, where f32 is 1; 0: not measured
  double least_cosine = 0;  ///< of bf16 to f32 over the built-in texts; 0: not measured
};

/// The faster one of f32 and bf16, if it is as exact.
[[nodiscard]] Dtype faster_of(double speed, double least_cosine);

/// Measured at the first time, for every instruction set of this processor apart, then kept beside
/// the packed model. A model whose f32 is always as good as anything is not measured.
///   errors  as `packed_file_of` and `calibration_texts`
Result<Choice> choose_dtype(const std::filesystem::path& model_folder);

/// How close two arithmetics of a model are, and how fast.
struct Comparison {
  double speed = 0;  ///< of the other one, where f32 is 1
  double mean_cosine = 0, least_cosine = 0;
};

/// Over the built-in texts, on one thread.
///   errors  as `packed_file_of` and `calibration_texts`
Result<Comparison> compare_with_f32(const std::filesystem::path& model_folder, Dtype dtype);

/// What was measured, if it was.
Result<std::optional<Choice>> known_choice(const std::filesystem::path& model_folder);

[[nodiscard]] std::string to_text(const Choice& choice, const std::string& machine);
/// Nothing unless it is of this machine.
[[nodiscard]] std::optional<Choice> parse_choice(std::string_view text, const std::string& machine);

}  // namespace vecmill::engine
