// The encoder alone against the reference: the ids are those that the reference
// used.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "golden_set.h"
#include "vecmill/base/instrumented.h"
#include "vecmill/encode/encoder.h"
#include "vecmill/encode/isa.h"

namespace vecmill::golden {
namespace {
namespace fs = std::filesystem;

class GoldenIdsTest : public testing::TestWithParam<std::string> {
 protected:
  GoldenIdsTest() {
    std::string name = (fs::temp_directory_path() / "golden.XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~GoldenIdsTest() override { fs::remove_all(folder_); }

  std::shared_ptr<const encode::Encoder> open(const encode::EncoderOptions& options = {}) {
    const fs::path packed = folder_ / "model.vecmill";
    if (!fs::exists(packed)) {
      const Status status = encode::pack(model_folder(GetParam()), packed);
      EXPECT_TRUE(status) << status.error().to_string();
    }
    auto encoder = encode::Encoder::open(packed, options);
    EXPECT_TRUE(encoder) << encoder.error().to_string();
    return encoder ? *encoder : nullptr;
  }

  fs::path folder_;
};

std::string set_name(const testing::TestParamInfo<std::string>& set) {
  std::string name = set.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

std::vector<std::vector<float>> encode_all(const encode::Encoder& encoder,
                                           const std::vector<Example>& examples,
                                           std::size_t batch) {
  const auto workspace = encoder.make_workspace();
  std::vector<std::vector<float>> vectors;
  for (std::size_t at = 0; at < examples.size(); at += batch) {
    std::vector<encode::Sequence> sequences;
    for (std::size_t i = at; i < std::min(at + batch, examples.size()); ++i) {
      sequences.push_back({examples[i].ids, examples[i].prompt_tokens});
    }
    std::vector<float> out(sequences.size() * encoder.dims());
    const Status status = encoder.encode(sequences, *workspace, out.data());
    EXPECT_TRUE(status) << status.error().to_string();
    for (auto row = out.begin(); row != out.end(); row += encoder.dims()) {
      vectors.emplace_back(row, row + encoder.dims());
    }
  }
  return vectors;
}

TEST_P(GoldenIdsTest, VectorsAreThoseOfTheReference) {
  const auto examples = read_set(GetParam());
  const auto encoder = open();
  ASSERT_TRUE(encoder);
  ASSERT_EQ(encoder->dims(), examples.front().vector.size());
  Distance worst{0, 1};
  const auto vectors = encode_all(*encoder, examples, 16);
  for (std::size_t i = 0; i < examples.size(); ++i) {
    const Distance d = distance(vectors[i], examples[i].vector);
    EXPECT_LE(d.largest, 5e-6) << "text " << i << " of " << examples[i].ids.size() << " tokens";
    EXPECT_GE(d.cosine, 0.999999) << "text " << i;
    worst = {std::max(worst.largest, d.largest), std::min(worst.cosine, d.cosine)};
  }
  std::printf("%s: %zu texts, largest difference %.2g, smallest cosine %.9f\n", GetParam().c_str(),
              examples.size(), worst.largest, worst.cosine);
}

TEST_P(GoldenIdsTest, ATextAloneHasTheSameBits) {
  auto examples = read_set(GetParam());
  examples.resize(std::min<std::size_t>(examples.size(), 74));
  const auto encoder = open();
  ASSERT_TRUE(encoder);
  EXPECT_EQ(encode_all(*encoder, examples, 1), encode_all(*encoder, examples, 23));
}

TEST_P(GoldenIdsTest, ShorterVectorsAreTheFirstComponents) {
  auto examples = read_set(GetParam());
  examples.resize(20);
  const auto whole = open();
  const auto cut = open({.dims = 8, .isa = {}});
  ASSERT_TRUE(whole && cut);
  ASSERT_EQ(cut->dims(), 8u);
  EXPECT_NE(cut->dims(), whole->dims());
  EXPECT_EQ(cut->fingerprint(), whole->fingerprint());
  const auto long_vectors = encode_all(*whole, examples, 4);
  const auto vectors = encode_all(*cut, examples, 4);
  for (std::size_t i = 0; i < vectors.size(); ++i) {
    const std::vector<float> first(long_vectors[i].begin(), long_vectors[i].begin() + 8);
    if (!whole->description().normalized) {
      EXPECT_EQ(vectors[i], first);
      continue;
    }
    EXPECT_NEAR(distance(vectors[i], first).cosine, 1, 1e-6);
    if (first == std::vector<float>(8)) continue;  // no token that a static model knows
    double squares = 0;
    for (const float v : vectors[i]) squares += static_cast<double>(v) * v;
    EXPECT_NEAR(squares, 1, 1e-6);
  }
}

struct Closeness {
  double mean = 0, least = 1;  ///< cosines
};

Closeness closeness(const encode::Encoder& encoder, const std::vector<Example>& examples) {
  Closeness found;
  const auto vectors = encode_all(encoder, examples, 16);
  for (std::size_t i = 0; i < examples.size(); ++i) {
    const double cosine = distance(vectors[i], examples[i].vector).cosine;
    found.mean += cosine / static_cast<double>(examples.size());
    found.least = std::min(found.least, cosine);
  }
  return found;
}

class GoldenInt8Test : public GoldenIdsTest {
 protected:
  /// Calibrated on some of the texts.
  std::shared_ptr<const encode::Encoder> open_int8(const std::vector<Example>& examples,
                                                   bool compact = false) {
    encode::Calibration calibration;
    calibration.packed_f32 = folder_ / "model.vecmill";
    for (std::size_t i = 0; i < examples.size(); i += 40) {
      calibration.texts.push_back(examples[i].ids);
    }
    const fs::path packed = folder_ / "int8.vecmill";
    const auto pack = compact ? encode::pack_int8_compact : encode::pack_int8;
    const Status status = pack(model_folder(GetParam()), packed, calibration);
    EXPECT_TRUE(status) << status.error().to_string();
    auto encoder = encode::Encoder::open(packed);
    EXPECT_TRUE(encoder) << encoder.error().to_string();
    return encoder ? *encoder : nullptr;
  }
};

TEST_P(GoldenInt8Test, VectorsStayCloseToTheReference) {
  const auto examples = read_set(GetParam());
  ASSERT_TRUE(open());
  const auto encoder = open_int8(examples);
  ASSERT_TRUE(encoder);
  EXPECT_EQ(encoder->arithmetic(), "int8/3");
  const auto [mean, least] = closeness(*encoder, examples);
  EXPECT_GE(mean, 0.999);
  EXPECT_GE(least, 0.997);
  std::printf("%s in int8: %zu texts, mean cosine %.5f, smallest %.5f\n", GetParam().c_str(),
              examples.size(), mean, least);
}

TEST_P(GoldenInt8Test, WordsInBytesCostLittle) {
  auto examples = read_set(GetParam());
  if (VECMILL_INSTRUMENTED) examples.resize(std::min<std::size_t>(examples.size(), 100));
  ASSERT_TRUE(open());
  const auto encoder = open_int8(examples, true);
  ASSERT_TRUE(encoder);
  EXPECT_EQ(encoder->arithmetic(), "int8-compact/3");
  const auto [mean, least] = closeness(*encoder, examples);
  EXPECT_GE(mean, 0.999);
  EXPECT_GE(least, 0.997);
  const auto some = std::vector(
      examples.begin(), examples.begin() + std::min<std::ptrdiff_t>(std::ssize(examples), 50));
  EXPECT_EQ(encode_all(*encoder, some, 1), encode_all(*encoder, some, 16));
  const auto bytes = static_cast<double>(fs::file_size(folder_ / "int8.vecmill"));
  EXPECT_LT(bytes, 0.3 * static_cast<double>(fs::file_size(folder_ / "model.vecmill")));
  const auto layers = static_cast<double>(encoder->layer_bytes());
  EXPECT_TRUE(0.4 * bytes < layers && layers < 0.6 * bytes) << layers << " of " << bytes;
  std::printf("%s in int8-compact: %zu texts, mean cosine %.5f, smallest %.5f\n",
              GetParam().c_str(), examples.size(), mean, least);
}

class GoldenBf16Test : public GoldenIdsTest {
 protected:
  std::shared_ptr<const encode::Encoder> open_bf16(const std::string& isa = {}) {
    const fs::path packed = folder_ / "bf16.vecmill";
    if (!fs::exists(packed)) {
      const Status status = encode::pack_bf16(model_folder(GetParam()), packed);
      EXPECT_TRUE(status) << status.error().to_string();
    }
    auto encoder = encode::Encoder::open(packed, {.dims = 0, .isa = isa});
    EXPECT_TRUE(encoder) << encoder.error().to_string();
    return encoder ? *encoder : nullptr;
  }
};

/// What random weights lose says little; the real ones lose less than `auto` allows.
TEST_P(GoldenBf16Test, VectorsStayCloseToTheReference) {
  const auto examples = read_set(GetParam());
  const auto encoder = open_bf16();
  ASSERT_TRUE(encoder);
  EXPECT_EQ(encoder->arithmetic(), "bf16/2");
  const auto [mean, least] = closeness(*encoder, examples);
  EXPECT_GE(least, GetParam() == "all-MiniLM-L6-v2" ? 0.9999 : 0.999);
  std::printf("%s in bf16: %zu texts, mean cosine %.6f, smallest %.6f\n", GetParam().c_str(),
              examples.size(), mean, least);
}

TEST_P(GoldenBf16Test, ATextHasTheSameBitsInEveryBatchAndOnEveryInstructionSet) {
  auto examples = read_set(GetParam());
  // The plain loops of the portable set take minutes for them under a sanitizer.
  examples.resize(std::min<std::size_t>(examples.size(), VECMILL_INSTRUMENTED ? 2 : 20));
  const auto alone = open_bf16("portable");
  ASSERT_TRUE(alone);
  const auto expected = encode_all(*alone, examples, 1);
  for (const encode::Isa isa : encode::available_isas()) {
    const auto encoder = open_bf16(std::string(encode::name(isa)));
    ASSERT_TRUE(encoder);
    const auto found = encode_all(*encoder, examples, 7);
    if (isa == encode::Isa::kAmx) {
      EXPECT_EQ(found, encode_all(*encoder, examples, 1));
    } else {
      EXPECT_EQ(found, expected) << encode::name(isa);
    }
  }
}

TEST_P(GoldenBf16Test, TheFileIsAboutHalfAsLarge) {
  ASSERT_TRUE(open());
  ASSERT_TRUE(open_bf16());
  const auto exact = static_cast<double>(fs::file_size(folder_ / "model.vecmill"));
  const auto close = static_cast<double>(fs::file_size(folder_ / "bf16.vecmill"));
  EXPECT_LT(close, GetParam() == "all-MiniLM-L6-v2" ? 0.52 * exact : exact);
}

INSTANTIATE_TEST_SUITE_P(Sets, GoldenBf16Test,
                         testing::Values("bert", "xlm-roberta-m3", "mpnet", "electra", "modernbert",
                                         "nomic-bert", "gte", "jina-bert", "all-MiniLM-L6-v2"),
                         set_name);

/// With real weights: what random ones lose says nothing.
INSTANTIATE_TEST_SUITE_P(Sets, GoldenInt8Test, testing::Values("all-MiniLM-L6-v2"));

INSTANTIATE_TEST_SUITE_P(Sets, GoldenIdsTest, testing::ValuesIn(kSets), set_name);

}  // namespace
}  // namespace vecmill::golden
