#include "vecmill/encode/heads.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "vecmill/encode/encoder.h"
#include "vecmill/encode/head_files.h"
#include "vecmill/encode/pack.h"
#include "vecmill_source_dir.h"

namespace vecmill::encode {
namespace {
namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr std::uint32_t kHidden = 5;

/// A head with random weights and what it is to give, in plain loops.
struct RandomHead {
  RandomHead(std::uint32_t dims, std::uint32_t seed, float shift = 0) : out(dims) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    for (std::uint32_t i = 0; i < dims * kHidden; ++i) weight.push_back(normal(random));
    panels.resize(packed_floats(dims, kHidden));
    pack_linear(weight.data(), dims, kHidden, panels.data());
    for (std::uint32_t i = 0; i < padded(dims); ++i)
      bias.push_back(i < dims ? shift + normal(random) : 0);
  }
  [[nodiscard]] Linear linear() const { return {panels.data(), bias.data(), kHidden, out}; }
  [[nodiscard]] float apply(const float* hidden, std::uint32_t row) const {
    float sum = bias[row];
    for (std::uint32_t k = 0; k < kHidden; ++k) sum += weight[row * kHidden + k] * hidden[k];
    return sum;
  }

  std::uint32_t out;
  std::vector<float> weight, panels, bias;
};

class HeadsTest : public testing::Test {
 protected:
  HeadsTest() {
    std::mt19937 random(3);
    std::normal_distribution<float> normal;
    for (float& value : hidden_) value = normal(random);
    heads_.sparse = sparse_.linear();
    heads_.multivector = multivector_.linear();
  }

  TextHeads run(const Outputs& wanted, std::span<const TokenId> dropped = {}) {
    HeadPass pass;
    pass.begin(heads_, wanted, 6);
    pass.project(kernels(Isa::kPortable), hidden_.data(), {});
    TextHeads out;
    out.sparse = {{1, 1}};
    out.multivector = {1};
    pass.finish(ids_, 2, dropped, out);
    return out;
  }

  const RandomHead sparse_{1, 1, 2}, multivector_{19, 2};
  Heads heads_;
  std::vector<float> hidden_ = std::vector<float>(6 * kHidden);  ///< two texts: 2 and 4 tokens
  const std::vector<TokenId> ids_ = {8, 7, 9, 7};
};

TEST_F(HeadsTest, TheLargestPositiveWeightOfEachToken) {
  SparseVector expected;
  for (const TokenId token : {7, 8, 9}) {
    float largest = 0;
    for (std::size_t i = 0; i < ids_.size(); ++i) {
      if (ids_[i] == token) {
        largest = std::max(largest, sparse_.apply(hidden_.data() + (2 + i) * kHidden, 0));
      }
    }
    if (largest > 0) expected.push_back({token, largest});
  }
  ASSERT_GE(expected.size(), 2u);
  const TextHeads out = run({true, true, false});
  EXPECT_TRUE(out.multivector.empty());
  ASSERT_EQ(out.sparse.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(out.sparse[i].token, expected[i].token);
    EXPECT_NEAR(out.sparse[i].weight, expected[i].weight, 1e-6);
  }
  const TokenId dropped[] = {expected[0].token};
  EXPECT_EQ(run({true, true, false}, dropped).sparse.size(), expected.size() - 1);
}

TEST_F(HeadsTest, AUnitVectorOfEveryTokenButTheFirst) {
  const TextHeads out = run({true, false, true});
  EXPECT_TRUE(out.sparse.empty());
  ASSERT_EQ(out.multivector.size(), 3 * 19u);
  for (std::size_t i = 0; i < 3; ++i) {
    double squares = 0;
    for (std::uint32_t d = 0; d < 19; ++d) {
      const double value = multivector_.apply(hidden_.data() + (3 + i) * kHidden, d);
      squares += value * value;
    }
    for (std::uint32_t d = 0; d < 19; ++d) {
      const double value = multivector_.apply(hidden_.data() + (3 + i) * kHidden, d);
      EXPECT_NEAR(out.multivector[i * 19 + d], value / std::sqrt(squares), 1e-6);
    }
  }
}

/// A copy of the small bge-m3, with other files.
class HeadFilesTest : public testing::Test {
 protected:
  HeadFilesTest() {
    std::string name = (fs::temp_directory_path() / "head_files.XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    fs::copy(fs::path(VECMILL_SOURCE_DIR) / "tests/golden/models/xlm-roberta-m3", folder_ / "m",
             fs::copy_options::recursive);
  }
  ~HeadFilesTest() override { fs::remove_all(folder_); }

  Result<std::shared_ptr<const Encoder>> open() {
    VECMILL_TRY(pack(folder_ / "m", folder_ / "packed"));
    return Encoder::open(folder_ / "packed");
  }

  /// Puts a head with tensors of these shapes into the folder.
  void put(const std::string& file, const std::string& weight, const std::string& bias) {
    const std::string header = R"({"bias":{"dtype":"F16","shape":)" + bias +
                               R"(,"data_offsets":[0,2]},"weight":{"dtype":"F16","shape":)" +
                               weight + R"(,"data_offsets":[2,66]}})";
    const std::uint64_t size = header.size();
    std::ofstream out(folder_ / "m" / file, std::ios::binary);
    out.write(reinterpret_cast<const char*>(&size), sizeof size);
    out << header << std::string(66, '\0');
  }

  fs::path folder_;
};

TEST_F(HeadFilesTest, EitherHeadMayBeMissing) {
  const auto both = open();
  ASSERT_TRUE(both) << both.error().to_string();
  fs::remove(folder_ / "m/sparse_linear.safetensors");
  const auto one = open();
  ASSERT_TRUE(one);
  EXPECT_EQ((*one)->outputs(), (Outputs{true, false, true}));
  fs::remove(folder_ / "m/colbert_linear.safetensors");
  const auto none = open();
  ASSERT_TRUE(none);
  EXPECT_EQ((*none)->outputs(), Outputs{});
  EXPECT_EQ((*none)->multivector_dims(), 0u);
  EXPECT_EQ((*none)->description().modules, describe(folder_ / "m")->modules);
  // Dense vectors are the same without them; the others are of another space with other heads.
  EXPECT_EQ((*both)->fingerprint(), (*none)->fingerprint());
  EXPECT_EQ((*both)->heads_fingerprint({true, false, true}),
            (*one)->heads_fingerprint({true, true, true}));
  EXPECT_NE((*both)->heads_fingerprint({true, true, true}),
            (*one)->heads_fingerprint({true, true, true}));
  EXPECT_EQ((*both)->heads_fingerprint({}), "");
}

TEST_F(HeadFilesTest, AskingForAHeadThatIsNotThere) {
  fs::remove(folder_ / "m/sparse_linear.safetensors");
  const auto encoder = open();
  ASSERT_TRUE(encoder);
  const std::vector<TokenId> ids = {0, 5, 2};
  const Sequence sequence{ids};
  std::vector<float> dense((*encoder)->dims());
  std::vector<TextHeads> heads(1);
  const auto workspace = (*encoder)->make_workspace();
  const Status status = (*encoder)->encode({&sequence, 1}, *workspace, dense.data(),
                                           {{true, true, false}, {}, heads});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().kind, ErrorKind::kUnsupported);
  EXPECT_THAT(status.error().message, HasSubstr("gives dense,multivector, dense,sparse was asked"));
}

TEST_F(HeadFilesTest, AMissingHeadSaysTheWayOut) {
  const Error pickled = missing_head(folder_ / "m", "org/m3", {true, true, false}, Outputs{});
  EXPECT_THAT(pickled.to_string(), HasSubstr("only as sparse_linear.pt"));
  EXPECT_THAT(pickled.hint, HasSubstr("vecmill import " + (folder_ / "m").string()));
  EXPECT_THAT(pickled.hint, HasSubstr("--name org/m3"));
  fs::remove(folder_ / "m/sparse_linear.pt");
  const Error none = missing_head(folder_ / "m", "org/m3", {true, true, false}, Outputs{});
  EXPECT_THAT(none.to_string(), HasSubstr("org/m3: gives dense, dense,sparse was asked for"));
}

TEST_F(HeadFilesTest, ShapesThatDoNotFit) {
  const std::tuple<const char*, const char*, const char*, const char*> cases[] = {
      {"sparse_linear", "[32,1]", "[1]", "'weight'"},
      {"sparse_linear", "[2,16]", "[1]", "'weight'"},
      {"sparse_linear", "[32]", "[1]", "'weight'"},
      {"sparse_linear", "[1,32]", "[1,1]", "'bias'"},
      {"colbert_linear", "[2,16]", "[1]", "'weight'"},
      {"colbert_linear", "[32]", "[1]", "'weight'"},
      {"colbert_linear", "[1,32]", "[]", "'bias'"},
  };
  for (const auto& [stem, weight, bias, tensor] : cases) {
    const std::string file = std::string(stem) + ".safetensors";
    const fs::path good = fs::path(VECMILL_SOURCE_DIR) / "tests/golden/models/xlm-roberta-m3";
    put(file, weight, bias);
    const auto encoder = open();
    ASSERT_FALSE(encoder) << stem << weight << bias;
    EXPECT_EQ(encoder.error().kind, ErrorKind::kMismatch) << encoder.error().to_string();
    EXPECT_THAT(encoder.error().to_string(), HasSubstr(file + ": tensor " + tensor));
    EXPECT_FALSE(fs::exists(folder_ / "packed"));
    fs::copy_file(good / file, folder_ / "m" / file, fs::copy_options::overwrite_existing);
  }
  put("sparse_linear.safetensors", "[1,32]", "[1]");
  EXPECT_TRUE(open());
}

}  // namespace
}  // namespace vecmill::encode
