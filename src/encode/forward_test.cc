#include "vecmill/encode/forward.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <deque>
#include <map>
#include <numeric>
#include <random>
#include <tuple>

#include "vecmill/base/instrumented.h"
#include "vecmill/encode/bf16.h"
#include "vecmill/encode/distance_bias.h"
#include "vecmill/encode/pack.h"
#include "vecmill/encode/quantize.h"
#include "vecmill/encode/rotary.h"

namespace vecmill::encode {
namespace {

using Floats = std::vector<float>;
using Doubles = std::vector<double>;
using Ids = std::vector<TokenId>;
using Batch = std::vector<std::span<const TokenId>>;

struct Shape {
  std::uint32_t hidden, heads, intermediate;
  Activation activation = Activation::kGeluErf;
  Positions positions = Positions::kAbsolute;
  bool relative = false;
  bool alibi = false, rotary = false, gated = false, pre_norm = false;
  std::uint32_t window = 0;           ///< of the second layer
  std::uint32_t embedding_width = 0;  ///< 0: hidden
  bool whole = false;                 ///< the products of the layers in whole numbers
  bool pairs = false;                 ///< or in bf16
};

constexpr std::uint32_t kVocab = 50, kMaxTokens = 700, kPad = 1, kBuckets = 32;

/// A small random transformer that also keeps its weights as checkpoints have them.
struct Model {
  explicit Model(const Shape& shape) {
    view.hidden = shape.hidden;
    view.heads = shape.heads;
    view.intermediate = shape.intermediate;
    view.vocab = kVocab;
    view.max_positions = kMaxTokens + 2;
    view.pad_id = kPad;
    view.position_rule = shape.positions;
    view.activation = shape.activation;
    view.pre_norm = shape.pre_norm;
    if (shape.pairs) view.attention_numbers = AttentionNumbers::kBf16;
    if (shape.whole) view.attention_numbers = AttentionNumbers::kWords;
    const std::uint32_t width = shape.embedding_width > 0 ? shape.embedding_width : shape.hidden;
    view.embedding_width = width;
    view.words = numbers(std::size_t{kVocab} * width, 1.0F);
    if (!shape.rotary && !shape.alibi) {
      view.positions = numbers(std::size_t{view.max_positions} * width, 1.0F);
    }
    view.embedding_norm = norm(width);
    if (width != shape.hidden) view.embedding_project = linear(width, shape.hidden);
    if (shape.pre_norm) view.final_norm = norm(shape.hidden);
    if (shape.alibi) {
      slopes = alibi_slopes(shape.heads);
      view.alibi_slopes = slopes.data();
    }
    if (shape.relative) {
      view.relative_buckets = kBuckets;
      view.relative_bias = numbers(std::size_t{kBuckets} * shape.heads, 1.0F);
    }
    for (const double base : {10000.0, 500.0}) add_layer(shape, base);
    view.layers.back().window = shape.window;
    if (shape.pre_norm) view.layers.front().attention_norm = {};
  }

  void add_layer(const Shape& shape, double base) {
    const auto matrix = [&](std::uint32_t in, std::uint32_t out) {
      const Linear exact = linear(in, out);
      return shape.whole ? whole(exact) : shape.pairs ? in_pairs(exact) : exact;
    };
    view.layers.push_back(
        {matrix(shape.hidden, 3 * shape.hidden), matrix(shape.hidden, shape.hidden),
         matrix(shape.hidden, shape.intermediate), matrix(shape.intermediate, shape.hidden),
         norm(shape.hidden), norm(shape.hidden)});
    if (shape.gated) view.layers.back().ffn_up = matrix(shape.hidden, shape.intermediate);
    if (!shape.rotary) return;
    rotary_bases.push_back(base);
    tables.push_back(rotary_table({base, 1}, kMaxTokens, shape.hidden / shape.heads));
    view.layers.back().rotary = tables.back().data();
  }

  const float* numbers(std::size_t count, float scale) {
    std::normal_distribution<float> normal(0.0F, scale);
    float* data = memory.emplace_back().reserve(count);
    std::generate_n(data, count, [&] { return normal(random); });
    return data;
  }
  Linear linear(std::uint32_t in, std::uint32_t out) {
    const float* weights = numbers(std::size_t{in} * out, 1.0F / std::sqrt(static_cast<float>(in)));
    const float* bias = numbers(padded(out), 0.1F);
    float* packed = memory.emplace_back().reserve(packed_floats(out, in));
    pack_linear(weights, out, in, packed);
    checkpoint = weights;
    return {packed, bias, in, out};
  }
  Linear whole(Linear linear) {
    InputStatistics seen;
    seen.add(numbers(std::size_t{4} * linear.in, 1.0F), 4, linear.in);
    const QuantizedLinear& q =
        quantized.emplace_back(quantize_linear(checkpoint, linear.out, linear.in, seen));
    definitions[q.panels.data()] = linear.packed;
    linear.packed = nullptr;
    linear.whole = q.view();
    return linear;
  }
  Linear in_pairs(Linear linear) {
    float* packed = memory.emplace_back().reserve(packed_pairs(linear.out, linear.in));
    pack_pairs(checkpoint, linear.out, linear.in, reinterpret_cast<std::uint16_t*>(packed));
    definitions[packed] = linear.packed;
    linear.packed = packed;
    linear.pairs = true;
    return linear;
  }
  LayerNorm norm(std::uint32_t width) {
    return {numbers(width, 1.0F), numbers(width, 0.1F), 1e-5F};
  }

  std::mt19937 random{7};
  std::vector<Buffer> memory;
  std::deque<QuantizedLinear> quantized;
  std::map<const void*, const float*> definitions;  ///< of what is not in f32, in f32
  const float* checkpoint = nullptr;                ///< of the last matrix
  std::vector<float> slopes;
  std::vector<std::vector<float>> tables;
  std::vector<double> rotary_bases;  ///< by layer; empty: positions are not rotated
  Transformer view;
};

// --- The definition, in double precision and without any cleverness. ---

Doubles times(const Model& model, const Linear& l, const Doubles& x) {
  const float* packed = l.packed == nullptr ? model.definitions.at(l.whole.bytes)
                        : l.pairs           ? model.definitions.at(l.packed)
                                            : l.packed;
  Doubles y(l.out);
  const double* in = x.data();
  for (std::uint32_t o = 0; o < l.out; ++o) {
    const float* weights = packed + std::size_t{o / kPanel} * l.in * kPanel + o % kPanel;
    double sum = l.bias[o];
    for (std::uint32_t k = 0; k < l.in; ++k) sum += in[k] * weights[std::size_t{k} * kPanel];
    y[o] = sum;
  }
  return y;
}

Doubles normalised(const LayerNorm& norm, Doubles x) {
  const auto width = static_cast<double>(x.size());
  const double mean = std::accumulate(x.begin(), x.end(), 0.0) / width;
  double variance = 0;
  for (const double v : x) variance += (v - mean) * (v - mean) / width;
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = (x[i] - mean) / std::sqrt(variance + norm.eps) * norm.weight[i] + norm.bias[i];
  }
  return x;
}

double activated(Activation activation, double x) {
  switch (activation) {
    case Activation::kGeluErf: return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
    case Activation::kGeluTanh:
      return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case Activation::kRelu: return std::max(x, 0.0);
    case Activation::kSilu: return x / (1 + std::exp(-x));
    case Activation::kTanh: return std::tanh(x);
  }
  return 0;
}

/// T5's buckets for distances key - query. 8 exact ones on each side, then powers of sqrt(2) * 8.
std::uint32_t bucket(int distance) {
  constexpr int kEdges[] = {8, 12, 16, 23, 32, 46, 64, 91};
  const int a = std::abs(distance);
  const std::uint32_t side = distance > 0 ? 16 : 0;
  if (a < 8) return side + static_cast<std::uint32_t>(a);
  const auto past = std::upper_bound(std::begin(kEdges), std::end(kEdges), a);
  return side + 7 + static_cast<std::uint32_t>(past - std::begin(kEdges));
}

using Rows = std::vector<Doubles>;

/// Pairs of features of one head are turned by an angle that grows with the position.
void turn(Doubles& qkv, std::size_t from, std::uint32_t dim, double base, std::size_t position) {
  for (std::uint32_t i = 0; i < dim / 2; ++i) {
    const double angle = static_cast<double>(position) / std::pow(base, 2.0 * i / dim);
    double& a = qkv[from + i];
    double& b = qkv[from + i + dim / 2];
    std::tie(a, b) = std::pair(a * std::cos(angle) - b * std::sin(angle),
                               b * std::cos(angle) + a * std::sin(angle));
  }
}

/// What is added to the score of a key at this distance.
double bias(const Transformer& m, const Layer& layer, int distance, std::uint32_t head) {
  if (layer.window > 0 && std::abs(distance) > static_cast<int>(layer.window)) return -1e9;
  if (layer.window > 0) return 0;
  if (m.alibi_slopes != nullptr) return -std::abs(distance) * double{m.alibi_slopes[head]};
  return m.relative_bias == nullptr ? 0 : m.relative_bias[bucket(distance) * m.heads + head];
}

Rows attention(const Model& model, std::size_t number, const Rows& x) {
  const Transformer& m = model.view;
  const Layer& layer = m.layers[number];
  Rows qkv, mixed(x.size(), Doubles(m.hidden));
  for (const Doubles& row : x) {
    qkv.push_back(times(model, layer.qkv, row));
    if (model.rotary_bases.empty()) continue;
    for (std::uint32_t head = 0; head < 2 * m.heads; ++head) {  // of queries, then of keys
      const std::uint32_t features = m.hidden / m.heads;
      turn(qkv.back(), std::size_t{head} * features, features, model.rotary_bases[number],
           qkv.size() - 1);
    }
  }
  const std::uint32_t dim = m.hidden / m.heads;
  for (std::size_t q = 0; q < x.size(); ++q) {
    for (std::uint32_t head = 0; head < m.heads; ++head) {
      Doubles p(x.size());
      for (std::size_t k = 0; k < x.size(); ++k) {
        for (std::uint32_t d = head * dim; d < (head + 1) * dim; ++d) {
          p[k] += qkv[q][d] * qkv[k][m.hidden + d] / std::sqrt(static_cast<double>(dim));
        }
        p[k] += bias(m, layer, static_cast<int>(k) - static_cast<int>(q), head);
      }
      const double top = *std::ranges::max_element(p);
      for (double& v : p) v = std::exp(v - top);
      const double sum = std::accumulate(p.begin(), p.end(), 0.0);
      for (std::size_t k = 0; k < x.size(); ++k) {
        for (std::uint32_t d = head * dim; d < (head + 1) * dim; ++d) {
          mixed[q][d] += p[k] / sum * qkv[k][2 * m.hidden + d];
        }
      }
    }
  }
  return mixed;
}

Doubles plus(Doubles a, const Doubles& b) {
  std::ranges::transform(a, b, a.begin(), std::plus<>{});
  return a;
}

Doubles feed_forward(const Model& model, const Layer& layer, const Doubles& x) {
  Doubles middle = times(model, layer.ffn_in, x);
  for (double& v : middle) v = activated(model.view.activation, v);
  if (layer.ffn_up.is_there()) {
    std::ranges::transform(middle, times(model, layer.ffn_up, x), middle.begin(),
                           std::multiplies<>{});
  }
  return times(model, layer.ffn_out, middle);
}

void run_pre_norm(const Model& model, std::size_t number, Rows& x) {
  const Layer& layer = model.view.layers[number];
  Rows input = x;
  if (layer.attention_norm.weight != nullptr) {
    for (Doubles& row : input) row = normalised(layer.attention_norm, row);
  }
  const Rows mixed = attention(model, number, input);
  for (std::size_t t = 0; t < x.size(); ++t) {
    x[t] = plus(times(model, layer.attention_out, mixed[t]), x[t]);
    x[t] = plus(feed_forward(model, layer, normalised(layer.ffn_norm, x[t])), x[t]);
  }
}

void run_post_norm(const Model& model, std::size_t number, Rows& x) {
  const Layer& layer = model.view.layers[number];
  const Rows mixed = attention(model, number, x);
  for (std::size_t t = 0; t < x.size(); ++t) {
    x[t] =
        normalised(layer.attention_norm, plus(times(model, layer.attention_out, mixed[t]), x[t]));
    x[t] = normalised(layer.ffn_norm, plus(feed_forward(model, layer, x[t]), x[t]));
  }
}

Rows definition(const Model& model, const Ids& ids) {
  const Transformer& m = model.view;
  Rows x;
  std::uint32_t next = m.position_rule == Positions::kAfterPadding ? kPad + 1 : 0;
  for (const TokenId id : ids) {
    const bool pad = m.position_rule == Positions::kAfterPadding && id == TokenId{kPad};
    const std::size_t position = pad ? kPad : next++;
    const std::uint32_t width = m.embedding_width;
    Doubles row(width);
    for (std::uint32_t i = 0; i < width; ++i) {
      row[i] = m.words[static_cast<std::size_t>(id) * width + i];
      if (m.positions != nullptr) row[i] += m.positions[position * width + i];
    }
    row = normalised(m.embedding_norm, row);
    x.push_back(m.embedding_project.is_there() ? times(model, m.embedding_project, row) : row);
  }
  for (std::size_t number = 0; number < m.layers.size(); ++number) {
    m.pre_norm ? run_pre_norm(model, number, x) : run_post_norm(model, number, x);
  }
  if (m.pre_norm) {
    for (Doubles& row : x) row = normalised(m.final_norm, row);
  }
  return x;
}

// --- Ours. ---

Ids random_ids(std::size_t count, std::mt19937& random) {
  Ids ids(count);
  for (TokenId& id : ids) id = static_cast<TokenId>(random() % kVocab);
  return ids;
}

Floats run(const Model& model, Isa isa, const Batch& batch, Team* team = nullptr) {
  std::size_t tokens = 0;
  for (const auto& ids : batch) tokens += ids.size();
  Floats hidden(tokens * model.view.hidden);
  Workspace workspace;
  if (team == nullptr) {
    forward(model.view, kernels(isa), batch, workspace, hidden.data());
    return hidden;
  }
  prepare(model.view, batch, team->size(), workspace);
  team->run([&](const Crew& crew) {
    forward(model.view, kernels(isa), batch, workspace, hidden.data(), crew);
  });
  return hidden;
}

bool same_bits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

constexpr Shape kShapes[] = {
    {32, 4, 64},
    {40, 5, 24, Activation::kRelu},
    {64, 1, 100, Activation::kGeluTanh, Positions::kAfterPadding},
    {96, 4, 384, Activation::kSilu, Positions::kAbsolute, true},
    {72, 3, 33, Activation::kTanh, Positions::kAfterPadding, true},
    {.hidden = 48, .heads = 4, .intermediate = 40, .embedding_width = 20},
    {.hidden = 32, .heads = 2, .intermediate = 56, .embedding_width = 80},
    {.hidden = 60, .heads = 3, .intermediate = 72, .alibi = true, .gated = true},
    {.hidden = 64,
     .heads = 4,
     .intermediate = 50,
     .activation = Activation::kSilu,
     .rotary = true,
     .gated = true},
    {.hidden = 48,
     .heads = 2,
     .intermediate = 37,
     .rotary = true,
     .gated = true,
     .pre_norm = true,
     .window = 9},
    {.hidden = 32, .heads = 4, .intermediate = 66, .whole = true},
    {.hidden = 196, .heads = 2, .intermediate = 402, .whole = true},
    {.hidden = 60, .heads = 3, .intermediate = 50, .gated = true, .pre_norm = true, .whole = true},
    {.hidden = 32, .heads = 4, .intermediate = 66, .pairs = true},
    {.hidden = 75, .heads = 3, .intermediate = 403, .alibi = true, .gated = true, .pairs = true},
    {.hidden = 96, .heads = 2, .intermediate = 50, .rotary = true, .window = 9, .pairs = true},
};
constexpr Shape kWide{1024, 16, 128};

void expect_the_definition(const Shape& shape, std::initializer_list<std::size_t> lengths) {
  std::mt19937 random(3);
  const Model model(shape);
  for (const std::size_t tokens : lengths) {
    const Ids ids = random_ids(tokens, random);
    const Rows expected = definition(model, ids);
    const Floats found = run(model, available_isas().back(), {ids});
    for (std::size_t i = 0; i < found.size(); ++i) {
      ASSERT_NEAR(found[i], expected[i / shape.hidden][i % shape.hidden], 3e-5)
          << "hidden " << shape.hidden << ", tokens " << tokens << ", value " << i;
    }
  }
}

TEST(ForwardTest, IsTheDefinition) {
  for (const Shape& shape : kShapes) {
    const bool exact = !shape.whole && !shape.pairs;
    if (exact) expect_the_definition(shape, {1, 2, 13, 16, 33});
  }
  expect_the_definition(kWide, {1, 2, 13, 16, 33});
}

double cosine(const float* a, const Doubles& b) {
  double product = 0, of_a = 0, of_b = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    product += a[i] * b[i];
    of_a += double{a[i]} * a[i];
    of_b += b[i] * b[i];
  }
  return product / std::sqrt(of_a * of_b);
}

TEST(ForwardTest, InOtherNumbersEveryTokenIsCloseToTheDefinition) {
  std::mt19937 random(4);
  for (const Shape& shape : kShapes) {
    if (!shape.whole && !shape.pairs) continue;
    const Model model(shape);
    const Ids ids = random_ids(40, random);
    const Rows expected = definition(model, ids);
    const Floats found = run(model, available_isas().back(), {ids});
    for (std::size_t token = 0; token < ids.size(); ++token) {
      EXPECT_GT(cosine(found.data() + token * shape.hidden, expected[token]),
                shape.whole ? 0.998 : 0.9999)
          << "hidden " << shape.hidden << ", token " << token;
    }
  }
}

TEST(ForwardTest, DistantTokensAreTheDefinitionToo) {
  expect_the_definition({16, 2, 16, Activation::kGeluErf, Positions::kAfterPadding, true}, {300});
  expect_the_definition({.hidden = 16, .heads = 2, .intermediate = 16, .alibi = true}, {300});
  for (const std::uint32_t window : {1U, 16U, 64U, 290U, 400U}) {
    expect_the_definition({.hidden = 16,
                           .heads = 2,
                           .intermediate = 16,
                           .rotary = true,
                           .pre_norm = true,
                           .window = window},
                          {97, 300});
  }
}

/// Every text of random batches, in random order, has the bits it has alone on portable code.
TEST(ForwardTest, ATextHasTheSameBitsInEveryBatchAndOnEveryInstructionSet) {
  std::mt19937 random(5);
  for (const Shape& shape : kShapes) {
    const Model model(shape);
    std::vector<Ids> texts;
    std::vector<Floats> alone;
    for (const std::size_t tokens : {1U, 3U, 15U, 16U, 17U, 50U, 97U, 130U}) {
      texts.push_back(random_ids(tokens, random));
      alone.push_back(run(model, Isa::kPortable, {texts.back()}));
    }
    for (int round = 0; round < (VECMILL_INSTRUMENTED ? 1 : 6); ++round) {
      std::vector<std::size_t> order(1 + random() % 12);
      for (std::size_t& text : order) text = random() % texts.size();
      Batch batch;
      for (const std::size_t text : order) batch.emplace_back(texts[text]);
      for (const Isa isa : available_isas()) {
        const Floats hidden = run(model, isa, batch);
        std::size_t at = 0;
        for (const std::size_t text : order) {
          // AMX adds products of bf16 in another order than all others.
          const Floats expected =
              shape.pairs && isa == Isa::kAmx ? run(model, isa, {texts[text]}) : alone[text];
          EXPECT_TRUE(same_bits(std::span(hidden).subspan(at, expected.size()), expected))
              << name(isa) << ", hidden " << shape.hidden << ", tokens " << texts[text].size();
          at += alone[text].size();
        }
      }
    }
  }
}

TEST(ForwardTest, ATeamOfAnySizeGivesTheSameBits) {
  std::mt19937 random(6);
  for (const Shape& shape : kShapes) {
    const Model model(shape);
    const Ids first = random_ids(1, random), second = random_ids(120, random);
    const Ids third = random_ids(20, random);
    const Batch batch{first, second, third};
    const Floats alone = run(model, available_isas().back(), batch);
    for (const std::uint32_t threads : {1U, 2U, 3U, 5U}) {
      Team team(threads);
      EXPECT_TRUE(same_bits(run(model, available_isas().back(), batch, &team), alone))
          << "hidden " << shape.hidden << ", threads " << threads;
    }
  }
}

TEST(ForwardTest, AWorkspaceCanBeUsedAgain) {
  std::mt19937 random(8);
  const Model model(kShapes[3]);
  const Ids small = random_ids(5, random), large = random_ids(200, random);
  const Kernels& fastest = kernels(available_isas().back());
  Workspace workspace;
  for (const Ids& ids : {small, large, small}) {
    Floats hidden(ids.size() * model.view.hidden);
    forward(model.view, fastest, Batch{ids}, workspace, hidden.data());
    EXPECT_TRUE(same_bits(hidden, run(model, available_isas().back(), {ids})));
  }
}

}  // namespace
}  // namespace vecmill::encode
