// The heads of bge-m3 against their formulas in plain torch: sparse weights and a vector per token.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "golden_set.h"
#include "vecmill/encode/encoder.h"
#include "vecmill/encode/team.h"

namespace vecmill::golden {
namespace {
namespace fs = std::filesystem;

constexpr const char* kModel = "xlm-roberta-m3";
constexpr double kTolerance = 1e-4;

class GoldenHeadsTest : public testing::Test {
 protected:
  GoldenHeadsTest() {
    std::string name = (fs::temp_directory_path() / "golden_heads.XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    const Status status = encode::pack(model_folder(kModel), folder_ / "packed");
    EXPECT_TRUE(status) << status.error().to_string();
    open("packed");
  }
  ~GoldenHeadsTest() override { fs::remove_all(folder_); }

  void open(const char* packed) {
    auto encoder = encode::Encoder::open(folder_ / packed);
    EXPECT_TRUE(encoder) << encoder.error().to_string();
    encoder_ = *encoder;
  }

  std::vector<encode::TextHeads> encode_all(std::size_t batch, encode::Team* team = nullptr) {
    const auto workspace = encoder_->make_workspace();
    std::vector<encode::TextHeads> all(examples_.size());
    for (std::size_t at = 0; at < examples_.size(); at += batch) {
      std::vector<encode::Sequence> sequences;
      for (std::size_t i = at; i < std::min(at + batch, examples_.size()); ++i) {
        sequences.push_back({examples_[i].ids, 0});
      }
      std::vector<float> dense(sequences.size() * encoder_->dims());
      const encode::HeadRequest heads{
          {true, true, true}, kDropped, std::span(all).subspan(at, sequences.size())};
      const Status status =
          team != nullptr
              ? encoder_->encode_one(sequences[0], *team, *workspace, dense.data(), heads)
              : encoder_->encode(sequences, *workspace, dense.data(), heads);
      EXPECT_TRUE(status) << status.error().to_string();
      for (std::size_t i = 0; i < sequences.size(); ++i) {
        const auto first = dense.begin() + static_cast<std::ptrdiff_t>(i * encoder_->dims());
        const std::vector<float> vector(first, first + encoder_->dims());
        EXPECT_LE(distance(vector, examples_[at + i].vector).largest, dense_tolerance_)
            << "text " << at + i;
      }
    }
    return all;
  }

  void expect_no_bit_changes() {
    const auto alone = encode_all(1);
    encode::Team team(3);
    for (const auto& others : {encode_all(7), encode_all(1, &team)}) {
      for (std::size_t i = 0; i < alone.size(); ++i) {
        EXPECT_EQ(others[i].sparse, alone[i].sparse) << "text " << i;
        EXPECT_EQ(others[i].multivector, alone[i].multivector) << "text " << i;
      }
    }
  }

  static constexpr TokenId kDropped[] = {0, 1, 2, 3};  ///< <s> <pad> </s> <unk>
  fs::path folder_;
  std::shared_ptr<const encode::Encoder> encoder_;
  double dense_tolerance_ = 5e-6;
  const std::vector<Example> examples_ = read_set(kModel);
};

TEST_F(GoldenHeadsTest, TheModelSaysWhatItHas) {
  EXPECT_EQ(encoder_->outputs(), (Outputs{true, true, true}));
  EXPECT_EQ(encoder_->multivector_dims(), 24u);
  EXPECT_EQ(encoder_->description().modules,
            (std::vector<std::string>{"transformer", "pooling cls", "normalize", "sparse head",
                                      "multi-vector head"}));
}

TEST_F(GoldenHeadsTest, WeightsAreThoseOfTheReference) {
  const auto expected = read_sparse(kModel);
  const auto all = encode_all(8);
  ASSERT_EQ(all.size(), expected.size());
  std::size_t weights = 0;
  double worst = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const SparseVector& found = all[i].sparse;
    // Around 0 rounding decides whether a weight is there.
    for (const auto& [token, weight] : expected[i]) {
      const auto same = std::find_if(found.begin(), found.end(),
                                     [&, t = token](const TokenWeight& w) { return w.token == t; });
      const double difference = std::abs(weight - (same == found.end() ? 0 : same->weight));
      EXPECT_LE(difference, kTolerance) << "text " << i << " token " << token;
      worst = std::max(worst, difference);
    }
    for (const TokenWeight& w : found) {
      EXPECT_GT(w.weight, 0);
      if (w.weight > kTolerance) {
        EXPECT_TRUE(expected[i].contains(w.token)) << i << " " << w.token;
      }
    }
    EXPECT_TRUE(std::is_sorted(found.begin(), found.end(),
                               [](const auto& a, const auto& b) { return a.token < b.token; }));
    weights += found.size();
  }
  EXPECT_GT(weights, 400u);
  std::printf("%zu weights, largest difference %.2g\n", weights, worst);
}

TEST_F(GoldenHeadsTest, TokenVectorsAreThoseOfTheReference) {
  const auto expected = read_multivectors(kModel);
  const auto all = encode_all(8);
  auto next = expected.begin();
  double worst = 0;
  std::size_t longest = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    ASSERT_EQ(all[i].multivector.size(), (examples_[i].ids.size() - 1) * 24) << "text " << i;
    longest = std::max(longest, examples_[i].ids.size());
    for (const float value : all[i].multivector) {
      const double difference = std::abs(static_cast<double>(value) - *next++);
      ASSERT_LE(difference, kTolerance) << "text " << i;
      worst = std::max(worst, difference);
    }
  }
  EXPECT_EQ(next, expected.end());
  EXPECT_EQ(longest, 1024u);
  std::printf("%zu token vectors, largest difference %.2g\n", expected.size() / 24, worst);
}

TEST_F(GoldenHeadsTest, BatchAndThreadsChangeNoBit) { expect_no_bit_changes(); }

/// The heads themselves are in f32; what they read differs as far as bf16 does.
TEST_F(GoldenHeadsTest, InBf16HeadsStayClose) {
  const auto exact = encode_all(8);
  ASSERT_TRUE(encode::pack_bf16(model_folder(kModel), folder_ / "bf16"));
  open("bf16");
  dense_tolerance_ = 0.05;
  const auto close = encode_all(8);
  double least = 1;
  for (std::size_t i = 0; i < exact.size(); ++i) {
    ASSERT_EQ(close[i].multivector.size(), exact[i].multivector.size());
    if (exact[i].multivector.empty()) continue;
    least = std::min(least, distance(close[i].multivector, exact[i].multivector).cosine);
    for (const TokenWeight& w : exact[i].sparse) {
      const auto same = std::ranges::find(close[i].sparse, w.token, &TokenWeight::token);
      EXPECT_NEAR(same == close[i].sparse.end() ? 0 : same->weight, w.weight, 0.05) << "text " << i;
    }
  }
  EXPECT_GE(least, 0.999);
  std::printf("token vectors in bf16: smallest cosine %.6f\n", least);
  expect_no_bit_changes();
}

}  // namespace
}  // namespace vecmill::golden
