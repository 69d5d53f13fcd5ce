// bf16, f32 and int8 beside one another: formats_bench [minilm|base|large] [instruction set]
// One thread, by its processor time; medians of interleaved rounds with the smallest and the
// largest.
#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <random>
#include <span>
#include <string_view>
#include <vector>

#include "random_model.h"
#include "vecmill/base/resources.h"

namespace vecmill::bench {
namespace {

constexpr std::size_t kRounds = 7, kBatchTokens = 512;
constexpr std::array kNames{"f32", "bf16", "int8"};

class Contest {
 public:
  Contest(const Shape& shape, const encode::Kernels& kernels) : kernels_(kernels) {
    for (const Format format : {Format::kF32, Format::kBf16, Format::kInt8}) {
      Shape one = shape;
      one.format = format;
      models_.push_back(std::make_unique<RandomModel>(one));
    }
  }

  void run(std::uint32_t length) {
    std::vector<std::vector<TokenId>> texts(std::max<std::size_t>(1, kBatchTokens / length));
    std::vector<std::span<const TokenId>> batch;
    for (auto& ids : texts) {
      ids.resize(length);
      for (TokenId& id : ids) id = static_cast<TokenId>(random_() % models_[0]->shape().vocab);
      batch.emplace_back(ids);
    }
    const auto tokens = static_cast<double>(texts.size() * length);
    std::array<std::vector<double>, 3> speeds;
    for (std::size_t round = 0; round <= kRounds; ++round) {
      for (std::size_t m = 0; m < models_.size(); ++m) {
        const double taken = seconds(*models_[m], batch);
        if (round > 0) speeds[m].push_back(tokens / taken);
      }
    }
    std::printf("| %u |", length);
    for (auto& all : speeds) {
      std::ranges::sort(all);
      std::printf(" %.0f (%.0f to %.0f) |", all[kRounds / 2], all.front(), all.back());
    }
    std::printf(" %.2f | %.2f |\n", speeds[1][kRounds / 2] / speeds[0][kRounds / 2],
                speeds[1][kRounds / 2] / speeds[2][kRounds / 2]);
    std::fflush(stdout);
  }

 private:
  double seconds(const RandomModel& model, const std::vector<std::span<const TokenId>>& batch) {
    std::size_t tokens = 0;
    for (const auto& ids : batch) tokens += ids.size();
    float* hidden = hidden_.reserve(tokens * model.shape().hidden);
    const double start = thread_seconds();
    forward(model.transformer(), kernels_, batch, workspace_, hidden);
    return thread_seconds() - start;
  }

  const encode::Kernels& kernels_;
  std::vector<std::unique_ptr<RandomModel>> models_;
  encode::Workspace workspace_;
  encode::Buffer hidden_;
  std::mt19937 random_{1};
};

int run(std::string_view name_of_shape, std::string_view isa_name) {
  const auto shape = named_shape(name_of_shape);
  if (!shape) {
    std::fprintf(stderr, "usage: formats_bench [minilm|base|large] [portable|avx2|...]\n");
    return 2;
  }
  const auto isa = encode::choose_isa(isa_name);
  if (!isa) {
    std::fprintf(stderr, "%s\n", isa.error().to_string().c_str());
    return 2;
  }
  Contest contest(*shape, encode::kernels(*isa));
  std::printf("%s, %s, tokens/s of one thread\n\n| tokens a text |", name_of_shape.data(),
              name(*isa).data());
  for (const char* name : kNames) std::printf(" %s |", name);
  std::printf(" bf16 to f32 | bf16 to int8 |\n|---|---|---|---|---|---|\n");
  for (const std::uint32_t length : {16U, 128U, 512U}) contest.run(length);
  return 0;
}

}  // namespace
}  // namespace vecmill::bench

int main(int argc, char** argv) {
  return vecmill::bench::run(argc > 1 ? argv[1] : "minilm", argc > 2 ? argv[2] : "");
}
