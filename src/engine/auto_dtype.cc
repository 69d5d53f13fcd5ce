#include "vecmill/engine/auto_dtype.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <system_error>
#include <vector>

#include "vecmill/base/file_system.h"
#include "vecmill/base/hash.h"
#include "vecmill/base/resources.h"
#include "vecmill/encode/bf16_speed.h"
#include "vecmill/encode/cpu.h"
#include "vecmill/encode/encoder.h"
#include "vecmill/encode/isa.h"
#include "vecmill/encode/json_reader.h"
#include "vecmill/engine/calibration.h"
#include "vecmill/engine/packed_models.h"

namespace vecmill::engine {
namespace {

namespace fs = std::filesystem;
using encode::Encoder;

/// Less is noise, and another arithmetic for nothing.
constexpr double kWorthIt = 1.1;
constexpr double kAsExact = 0.9999;
constexpr std::size_t kTexts = 24;
/// Multiplications and additions a token: below it everything else takes longer.
constexpr double kLittleWork = 2e6;

/// Processor, instruction set and numerics: what the answer depends on.
Result<std::string> this_machine() {
  VECMILL_ASSIGN(const encode::Isa isa, encode::choose_isa());
  return encode::processor_name() + ", " + std::string(encode::name(isa)) + ", " +
         encode::kBf16Arithmetic;
}

Result<fs::path> choice_file(const fs::path& model_folder, const std::string& machine) {
  return kept_file(model_folder, "." + sha256_hex(machine).substr(0, 8) + ".auto.json");
}

/// One model in two arithmetics over the same texts, on one thread.
class Contest {
 public:
  Contest(std::shared_ptr<const Encoder> exact, std::shared_ptr<const Encoder> close,
          std::vector<std::vector<TokenId>> texts)
      : exact_(std::move(exact)), close_(std::move(close)), texts_(std::move(texts)) {
    for (const auto& text : texts_) batch_.push_back({text});
  }

  /// Medians of interleaved rounds; of a large model one round has to do.
  Result<Comparison> run() {
    constexpr std::size_t kRounds = 5;
    constexpr double kEnoughSeconds = 1;
    std::vector<double> exact, close;
    double spent = 0;
    while (exact.size() < kRounds && spent < kEnoughSeconds) {
      VECMILL_ASSIGN(exact.emplace_back(), encode(*exact_, exact_vectors_));
      VECMILL_ASSIGN(close.emplace_back(), encode(*close_, close_vectors_));
      spent += exact.back() + close.back();
    }
    Comparison found;
    found.speed = median(exact) / median(close);
    compare(found);
    return found;
  }

 private:
  static double median(std::vector<double>& values) {
    std::ranges::sort(values);
    return values[values.size() / 2];
  }

  /// Seconds of this thread.
  Result<double> encode(const Encoder& encoder, std::vector<float>& vectors) {
    vectors.resize(batch_.size() * encoder.dims());
    const auto workspace = encoder.make_workspace();
    const double start = thread_seconds();
    VECMILL_TRY(encoder.encode(batch_, *workspace, vectors.data()));
    return thread_seconds() - start;
  }

  void compare(Comparison& found) const {
    const std::size_t dims = exact_->dims();
    found.least_cosine = 1;
    for (std::size_t at = 0; at < exact_vectors_.size(); at += dims) {
      double product = 0, of_exact = 0, of_close = 0;
      for (std::size_t i = at; i < at + dims; ++i) {
        product += double{exact_vectors_[i]} * close_vectors_[i];
        of_exact += double{exact_vectors_[i]} * exact_vectors_[i];
        of_close += double{close_vectors_[i]} * close_vectors_[i];
      }
      const double cosine = product / std::sqrt(of_exact * of_close);
      found.least_cosine = std::min(found.least_cosine, cosine);
      found.mean_cosine += cosine / static_cast<double>(batch_.size());
    }
  }

  const std::shared_ptr<const Encoder> exact_, close_;
  const std::vector<std::vector<TokenId>> texts_;
  std::vector<encode::Sequence> batch_;
  std::vector<float> exact_vectors_, close_vectors_;
};

Result<std::optional<Choice>> measure(const fs::path& model_folder) {
  VECMILL_ASSIGN(const fs::path exact_file, packed_file_of(model_folder));
  VECMILL_ASSIGN(const auto exact, Encoder::open(exact_file));
  if (exact->operations(1) < kLittleWork) return std::optional<Choice>();
  VECMILL_ASSIGN(const encode::Isa isa, encode::choose_isa());
  Choice choice;
  choice.speed = encode::bf16_speed(encode::kernels(isa));
  if (choice.speed < kWorthIt) return std::optional(choice);
  VECMILL_ASSIGN(const Comparison found, compare_with_f32(model_folder, Dtype::kBf16));
  choice = {faster_of(found.speed, found.least_cosine), found.speed, found.least_cosine};
  if (choice.dtype == Dtype::kF32) {
    VECMILL_ASSIGN(const fs::path close, packed_file_of(model_folder, Dtype::kBf16));
    std::error_code ignored;
    fs::remove(close, ignored);  // it is large
  }
  return std::optional(choice);
}

}  // namespace

Result<Comparison> compare_with_f32(const fs::path& model_folder, Dtype dtype) {
  VECMILL_ASSIGN(const fs::path exact_file, packed_file_of(model_folder));
  VECMILL_ASSIGN(const fs::path close_file, packed_file_of(model_folder, dtype));
  VECMILL_ASSIGN(auto exact, Encoder::open(exact_file));
  VECMILL_ASSIGN(auto close, Encoder::open(close_file));
  VECMILL_ASSIGN(auto texts, calibration_texts(model_folder, kTexts));
  return Contest(std::move(exact), std::move(close), std::move(texts)).run();
}

Dtype faster_of(double speed, double least_cosine) {
  return speed >= kWorthIt && least_cosine >= kAsExact ? Dtype::kBf16 : Dtype::kF32;
}

Result<std::optional<Choice>> known_choice(const fs::path& model_folder) {
  VECMILL_ASSIGN(const std::string machine, this_machine());
  VECMILL_ASSIGN(const fs::path file, choice_file(model_folder, machine));
  const auto text = real_files().read(file);
  return text ? parse_choice(*text, machine) : std::nullopt;
}

Result<Choice> choose_dtype(const fs::path& model_folder) {
  VECMILL_ASSIGN(const auto known, known_choice(model_folder));
  if (known) return *known;
  VECMILL_ASSIGN(const auto found, measure(model_folder));
  if (!found) return Choice{};
  VECMILL_ASSIGN(const std::string machine, this_machine());
  VECMILL_ASSIGN(const fs::path file, choice_file(model_folder, machine));
  VECMILL_TRY(atomic_write(real_files(), file, to_text(*found, machine)));
  return *found;
}

std::string to_text(const Choice& choice, const std::string& machine) {
  const nlohmann::json json = {{"machine", machine},
                               {"dtype", name(choice.dtype)},
                               {"speed", choice.speed},
                               {"least_cosine", choice.least_cosine}};
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::optional<Choice> parse_choice(std::string_view text, const std::string& machine) {
  const auto json = encode::JsonReader::parse(text, {});
  if (!json) return std::nullopt;
  const auto found_on = json->text("machine", ""), dtype = json->text("dtype", "");
  const auto speed = json->number("speed", 0), cosine = json->number("least_cosine", 0);
  if (!found_on || *found_on != machine || !dtype || !speed || !cosine) return std::nullopt;
  const Dtype chosen = faster_of(*speed, *cosine);
  if (*dtype != name(chosen)) return std::nullopt;
  return Choice{chosen, *speed, *cosine};
}

}  // namespace vecmill::engine
