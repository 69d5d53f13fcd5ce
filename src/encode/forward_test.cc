#include "vecmill/encode/forward.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <random>

#include "vecmill/encode/pack.h"

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
    view.words = numbers(std::size_t{kVocab} * shape.hidden, 1.0F);
    view.positions = numbers(std::size_t{view.max_positions} * shape.hidden, 1.0F);
    view.embedding_norm = norm();
    if (shape.relative) {
      view.relative_buckets = kBuckets;
      view.relative_bias = numbers(std::size_t{kBuckets} * shape.heads, 1.0F);
    }
    for (int i = 0; i < 2; ++i) {
      view.layers.push_back({linear(shape.hidden, 3 * shape.hidden),
                             linear(shape.hidden, shape.hidden),
                             linear(shape.hidden, shape.intermediate),
                             linear(shape.intermediate, shape.hidden), norm(), norm()});
    }
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
    return {packed, bias, in, out};
  }
  LayerNorm norm() { return {numbers(view.hidden, 1.0F), numbers(view.hidden, 0.1F), 1e-5F}; }

  std::mt19937 random{7};
  std::vector<Buffer> memory;
  Transformer view;
};

// --- The definition, in double precision and without any cleverness. ---

Doubles times(const Linear& l, const Doubles& x) {
  Doubles y(l.out);
  for (std::uint32_t o = 0; o < l.out; ++o) {
    y[o] = l.bias[o];
    for (std::uint32_t k = 0; k < l.in; ++k) {
      y[o] += x[k] * l.packed[(std::size_t{o / kPanel} * l.in + k) * kPanel + o % kPanel];
    }
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

Rows attention(const Transformer& m, const Layer& layer, const Rows& x) {
  Rows qkv, mixed(x.size(), Doubles(m.hidden));
  for (const Doubles& row : x) qkv.push_back(times(layer.qkv, row));
  const std::uint32_t dim = m.hidden / m.heads;
  for (std::size_t q = 0; q < x.size(); ++q) {
    for (std::uint32_t head = 0; head < m.heads; ++head) {
      Doubles p(x.size());
      for (std::size_t k = 0; k < x.size(); ++k) {
        for (std::uint32_t d = head * dim; d < (head + 1) * dim; ++d) {
          p[k] += qkv[q][d] * qkv[k][m.hidden + d] / std::sqrt(static_cast<double>(dim));
        }
        if (m.relative_bias == nullptr) continue;
        p[k] += m.relative_bias[bucket(static_cast<int>(k) - static_cast<int>(q)) * m.heads + head];
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

Rows definition(const Transformer& m, const Ids& ids) {
  Rows x;
  std::uint32_t next = m.position_rule == Positions::kAfterPadding ? kPad + 1 : 0;
  for (const TokenId id : ids) {
    const bool pad = m.position_rule == Positions::kAfterPadding && id == TokenId{kPad};
    const std::size_t position = pad ? kPad : next++;
    Doubles row(m.hidden);
    for (std::uint32_t i = 0; i < m.hidden; ++i) {
      row[i] = double{m.words[static_cast<std::size_t>(id) * m.hidden + i]} +
               m.positions[position * m.hidden + i];
    }
    x.push_back(normalised(m.embedding_norm, row));
  }
  for (const Layer& layer : m.layers) {
    const Rows mixed = attention(m, layer, x);
    for (std::size_t t = 0; t < x.size(); ++t) {
      x[t] = normalised(layer.attention_norm, plus(times(layer.attention_out, mixed[t]), x[t]));
      Doubles middle = times(layer.ffn_in, x[t]);
      for (double& v : middle) v = activated(m.activation, v);
      x[t] = normalised(layer.ffn_norm, plus(times(layer.ffn_out, middle), x[t]));
    }
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
    {1024, 16, 128},
};

TEST(ForwardTest, IsTheDefinition) {
  std::mt19937 random(3);
  for (const Shape& shape : kShapes) {
    const Model model(shape);
    for (const std::size_t tokens : {1U, 2U, 13U, 16U, 33U}) {
      const Ids ids = random_ids(tokens, random);
      const Rows expected = definition(model.view, ids);
      const Floats found = run(model, available_isas().back(), {ids});
      for (std::size_t i = 0; i < found.size(); ++i) {
        ASSERT_NEAR(found[i], expected[i / shape.hidden][i % shape.hidden], 3e-5)
            << "hidden " << shape.hidden << ", tokens " << tokens << ", value " << i;
      }
    }
  }
}

TEST(ForwardTest, DistantTokensAreTheDefinitionToo) {
  std::mt19937 random(4);
  const Model model({16, 2, 16, Activation::kGeluErf, Positions::kAfterPadding, true});
  const Ids ids = random_ids(300, random);
  const Rows expected = definition(model.view, ids);
  const Floats found = run(model, available_isas().back(), {ids});
  for (std::size_t i = 0; i < found.size(); ++i) {
    ASSERT_NEAR(found[i], expected[i / 16][i % 16], 3e-5) << i;
  }
}

/// Every text of random batches, in random order, has the bits it has alone on portable code.
TEST(ForwardTest, ATextHasTheSameBitsInEveryBatchAndOnEveryInstructionSet) {
  std::mt19937 random(5);
  for (const Shape& shape : std::span(kShapes).first(5)) {
    const Model model(shape);
    std::vector<Ids> texts;
    std::vector<Floats> alone;
    for (const std::size_t tokens : {1U, 3U, 15U, 16U, 17U, 50U, 97U, 130U}) {
      texts.push_back(random_ids(tokens, random));
      alone.push_back(run(model, Isa::kPortable, {texts.back()}));
    }
    for (int round = 0; round < 6; ++round) {
      std::vector<std::size_t> order(1 + random() % 12);
      for (std::size_t& text : order) text = random() % texts.size();
      Batch batch;
      for (const std::size_t text : order) batch.emplace_back(texts[text]);
      for (const Isa isa : available_isas()) {
        const Floats hidden = run(model, isa, batch);
        std::size_t at = 0;
        for (const std::size_t text : order) {
          EXPECT_TRUE(same_bits(std::span(hidden).subspan(at, alone[text].size()), alone[text]))
              << name(isa) << ", hidden " << shape.hidden << ", tokens " << texts[text].size();
          at += alone[text].size();
        }
      }
    }
  }
}

TEST(ForwardTest, ATeamOfAnySizeGivesTheSameBits) {
  std::mt19937 random(6);
  for (const Shape& shape : std::span(kShapes).first(5)) {
    const Model model(shape);
    const Ids first = random_ids(1, random), second = random_ids(70, random);
    const Batch batch{first, second};
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
