// Where the time of a forward pass goes: encode_bench [minilm|base|large] [f32|int8] [ISA]
// Medians of interleaved rounds; every share is of the multiplication limit of the same run.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <functional>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <thread>

#include "random_model.h"
#include "vecmill/encode/attention.h"
#include "vecmill/encode/linear_product.h"

namespace vecmill::bench {
namespace {

using encode::Kernels;
using encode::Linear;
using encode::Product;
using Ids = std::vector<TokenId>;
using Batch = std::vector<std::span<const TokenId>>;

constexpr int kRounds = 5;

/// By the clock of the processor: other programs that want it do not count.
double seconds(const std::function<void()>& work) {
  const auto now = [] {
    timespec time{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
  };
  const double start = now();
  work();
  return now() - start;
}

/// Operations a second of one core.
double limit(std::uint64_t (*work)(std::uint32_t steps)) {
  constexpr std::uint32_t kSteps = 200'000;
  double shortest = seconds([&] { work(kSteps); });
  for (int round = 0; round < 50; ++round) {
    shortest = std::min(shortest, seconds([&] { work(kSteps); }));
  }
  return static_cast<double>(work(kSteps)) / shortest;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

struct Corpus {
  std::string name;
  std::vector<Ids> texts;  // longest first
  double tokens = 0, flops = 0;
};

Corpus corpus(const RandomModel& model, std::string name, const std::vector<double>& lengths) {
  std::mt19937 random(1);
  Corpus result;
  result.name = std::move(name);
  for (const double length : lengths) {
    Ids& ids = result.texts.emplace_back(static_cast<std::size_t>(length));
    for (TokenId& id : ids) id = static_cast<TokenId>(random() % model.shape().vocab);
    result.tokens += length;
    result.flops += length * model.flops_per_token(length);
  }
  return result;
}

Corpus mixed(const RandomModel& model) {
  std::mt19937 random(2);
  std::lognormal_distribution<double> length(4.65, 0.7);
  std::vector<double> lengths(24);
  for (double& l : lengths) l = std::floor(std::clamp(length(random), 6.0, 500.0));
  std::ranges::sort(lengths, std::greater<>{});
  return corpus(model, "mixed", lengths);
}

/// Texts in order, so many to a batch that it has about `tokens` tokens.
std::vector<Batch> batches(const Corpus& corpus, std::size_t tokens) {
  std::vector<Batch> result(1);
  std::size_t held = 0;
  for (const Ids& ids : corpus.texts) {
    if (held > 0 && held + ids.size() > tokens) {
      result.emplace_back();
      held = 0;
    }
    result.back().emplace_back(ids);
    held += ids.size();
  }
  return result;
}

class Bench {
 public:
  Bench(const RandomModel& model, const Kernels& kernels, unsigned cores)
      : model_(model), kernels_(kernels), cores_(cores) {}

  /// One time through the corpus on `cores` threads, each with batches of its own.
  void encode(const std::vector<Batch>& work, unsigned cores) {
    std::atomic<std::size_t> next = 0;
    const auto stream = [&](unsigned i) {
      for (std::size_t b; (b = next.fetch_add(1)) < work.size();) {
        std::size_t tokens = 0;
        for (const auto& ids : work[b]) tokens += ids.size();
        float* hidden = hidden_[i].reserve(tokens * model_.shape().hidden);
        forward(model_.transformer(), kernels_, work[b], workspaces_[i], hidden);
      }
    };
    workspaces_.resize(cores_);
    hidden_.resize(cores_);
    std::vector<std::jthread> threads;
    for (unsigned i = 1; i < cores; ++i) threads.emplace_back(stream, i);
    stream(0);
  }

  void throughput(const std::vector<Corpus>& corpora, double peak) {
    std::vector<std::vector<double>> alone(corpora.size()), together(corpora.size());
    for (int round = 0; round < kRounds; ++round) {
      for (std::size_t c = 0; c < corpora.size(); ++c) {
        const auto work = batches(corpora[c], kBatchTokens);
        alone[c].push_back(seconds([&] { encode(work, 1); }));
        together[c].push_back(seconds([&] { encode(work, cores_); }));
      }
    }
    std::printf("\n| texts | tokens/s and core, 1 at work | %u at work | share of the limit |\n",
                cores_);
    std::printf("|---|---|---|---|\n");
    for (std::size_t c = 0; c < corpora.size(); ++c) {
      const double all = median(together[c]);
      std::printf("| %s | %.0f | %.0f | %.0f %% |\n", corpora[c].name.c_str(),
                  corpora[c].tokens / median(alone[c]), corpora[c].tokens / all,
                  100 * corpora[c].flops / all / peak);
    }
  }

  void latency(const Corpus& query) {
    encode::Team team(cores_);
    const Batch batch{query.texts[0]};
    float* hidden = hidden_[0].reserve(query.texts[0].size() * model_.shape().hidden);
    std::vector<double> alone, together;
    for (int round = 0; round < 100; ++round) {
      alone.push_back(seconds([&] { encode({batch}, 1); }));
      together.push_back(seconds([&] {
        prepare(model_.transformer(), batch, team.size(), workspaces_[0]);
        team.run([&](const encode::Crew& crew) {
          forward(model_.transformer(), kernels_, batch, workspaces_[0], hidden, crew);
        });
      }));
    }
    std::printf("\none text of %zu tokens: %.3f ms alone, %.3f ms with a team of %u\n",
                query.texts[0].size(), 1e3 * median(alone), 1e3 * median(together), cores_);
  }

  /// Each step of a layer by itself, on one core, layer after layer so that weights come from as
  /// far away as they do in a forward pass.
  void steps(std::uint32_t length, double peak) {
    const auto& m = model_.transformer();
    const std::uint32_t rows = std::max(1U, kBatchTokens / length) * length;
    std::vector<encode::Buffer> memory(4);
    float* x = memory[0].reserve(std::size_t{rows} * m.hidden);
    const std::size_t widest = std::max<std::size_t>(encode::qkv_stride(m.hidden), m.intermediate);
    float* wide = memory[1].reserve(std::size_t{rows} * widest);
    float* out = memory[2].reserve(std::size_t{rows} * m.hidden);
    std::fill_n(wide, std::size_t{rows} * widest, 0.25F);
    std::fill_n(x, std::size_t{rows} * m.hidden, 0.5F);
    encode::Workspace::Attention scratch;
    const double h = m.hidden, f = m.intermediate;
    encode::Workspace::Bytes bytes;
    const auto by = [&](const Linear& l, const float* a, float* y, encode::Epilogue e) {
      Product p = encode::linear_product(l, a, rows, y);
      p.epilogue = e;
      multiply(l, p, bytes);
    };
    const auto gelu_of = [](const Linear& l) {
      return encode::epilogue(encode::Activation::kGeluErf, l.packed == nullptr);
    };
    std::vector<Step> all = {
        {"qkv", 6 * h * h, [&](const auto& l) { by(l.qkv, x, wide, encode::Epilogue::kNone); }},
        {"attention", 4 * h * length,
         [&](const auto&) {
           for (std::uint32_t row = 0; row < rows; row += length) {
             for (std::uint32_t head = 0; head < m.heads; ++head) {
               attend(m, kernels_, {.qkv = wide, .context = out}, {row, length}, head, scratch);
             }
           }
         }},
        {"attention out", 2 * h * h,
         [&](const auto& l) { by(l.attention_out, x, out, encode::Epilogue::kNone); }},
        {"norm, twice", 0,
         [&](const auto& l) {
           for (int twice = 0; twice < 2; ++twice) {
             kernels_.norm({x, out, rows, m.hidden, l.ffn_norm.weight, l.ffn_norm.bias, 1e-12F});
           }
         }},
        {"rows to bytes", 0,
         [&](const auto& l) {
           for (const Linear* linear : {&l.qkv, &l.attention_out, &l.ffn_in, &l.ffn_out}) {
             if (linear->packed != nullptr) continue;
             (void)quantized_rows(kernels_, *linear, wide, rows, bytes);
           }
         }},
        {"ffn in + gelu", 2 * h * f,
         [&](const auto& l) { by(l.ffn_in, x, wide, gelu_of(l.ffn_in)); }},
        {"ffn out", 2 * h * f,
         [&](const auto& l) { by(l.ffn_out, wide, out, encode::Epilogue::kNone); }},
    };
    time_steps(all);
    std::printf("\n| texts of %u | ns per token and layer | share of the limit |\n|---|---|---|\n",
                length);
    for (const Step& step : all) print_step(step, rows, peak);
  }

 private:
  static constexpr std::uint32_t kBatchTokens = 512;

  void multiply(const Linear& l, Product& p, encode::Workspace::Bytes& bytes) const {
    encode::Quantized quantized;
    if (l.packed == nullptr) {
      quantized = quantized_rows(kernels_, l, p.a, p.rows, bytes);
      p.quantized = &quantized;
    }
    kernels_.product(p);
  }

  struct Step {
    const char* name;
    double flops;
    std::function<void(const encode::Layer&)> work;
    std::vector<double> taken{};
  };

  void print_step(const Step& step, std::uint32_t rows, double peak) const {
    const auto layers = static_cast<double>(model_.transformer().layers.size());
    const double each = median(step.taken) / rows / layers;
    std::printf("| %s | %.0f | %.0f %% |\n", step.name, 1e9 * each, 100 * step.flops / each / peak);
  }

  void time_steps(std::vector<Step>& steps) {
    for (int round = 0; round < kRounds; ++round) {
      for (Step& step : steps) {
        step.taken.push_back(seconds([&] {
          for (const auto& layer : model_.transformer().layers) step.work(layer);
        }));
      }
    }
  }

  const RandomModel& model_;
  const Kernels& kernels_;
  unsigned cores_;
  std::vector<encode::Workspace> workspaces_;
  std::vector<encode::Buffer> hidden_;
};

int explain() {
  std::fprintf(stderr, "usage: encode_bench [minilm|base|large] [f32|int8] [portable|avx2|...]\n");
  return 2;
}

int run(std::string_view name_of_shape, std::string_view dtype, std::string_view isa_name) {
  auto shape = named_shape(name_of_shape);
  const bool whole = dtype == "int8";
  if (!shape || (!whole && dtype != "f32")) return explain();
  const auto isa = encode::choose_isa(isa_name);
  if (!isa) {
    std::fprintf(stderr, "%s\n", isa.error().to_string().c_str());
    return 2;
  }
  shape->format = whole ? Format::kInt8 : Format::kF32;
  const RandomModel model(*shape);
  const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
  const encode::Kernels& kernels = encode::kernels(*isa);
  const double peak = limit(whole ? kernels.byte_multiply_adds : kernels.multiply_adds);
  std::printf("%s, %s, %s, multiplication limit %.0f Gop/s and core\n", name_of_shape.data(),
              dtype.data(), name(*isa).data(), peak / 1e9);
  Bench bench(model, encode::kernels(*isa), cores);
  std::vector<Corpus> corpora;
  for (const int length : {16, 128, 256, 512}) {
    corpora.push_back(corpus(model, std::to_string(length),
                             std::vector<double>(static_cast<std::size_t>(1024 / length), length)));
  }
  corpora.push_back(mixed(model));
  bench.throughput(corpora, peak);
  bench.latency(corpus(model, "query", {13}));
  for (const std::uint32_t length : {16U, 128U, 512U}) bench.steps(length, peak);
  return 0;
}

}  // namespace
}  // namespace vecmill::bench

int main(int argc, char** argv) {
  return vecmill::bench::run(argc > 1 ? argv[1] : "minilm", argc > 2 ? argv[2] : "f32",
                             argc > 3 ? argv[3] : "");
}
