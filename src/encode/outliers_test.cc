// Outliers planted in real checkpoints of random weights: packing finds them, where they are and
// nowhere else, and they cost nothing.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <map>
#include <numeric>
#include <random>

#include "vecmill/base/mapped_file.h"
#include "vecmill/encode/encoder.h"
#include "vecmill/encode/packed_model.h"
#include "vecmill/encode/safetensors.h"
#include "vecmill_source_dir.h"

namespace vecmill::encode {
namespace {
namespace fs = std::filesystem;

struct Model {
  const char* name;
  std::string value, out;  ///< what makes the values of layer 1's attention, and what takes them
};

class OutliersTest : public testing::TestWithParam<Model> {
 protected:
  using Kept = std::map<std::string, std::vector<std::uint32_t>>;

  OutliersTest() {
    std::string name = (fs::temp_directory_path() / "outliers_test.XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    const fs::path models = fs::path(VECMILL_SOURCE_DIR) / "tests" / "golden" / "models";
    fs::copy(models / GetParam().name, folder_ / "model", fs::copy_options::recursive);
    std::mt19937 random(1);
    for (std::size_t length : {5, 20, 40, 60, 9, 33}) {
      texts_.emplace_back(length);
      for (TokenId& id : texts_.back()) id = static_cast<TokenId>(5 + random() % 200);
    }
  }
  ~OutliersTest() override { fs::remove_all(folder_); }

  /// Times 2^`power`, in the exponents of every `step`-th of `count` numbers from `first` on.
  void scale(const std::string& tensor, std::size_t first, std::size_t count, std::size_t step,
             int power) {
    const fs::path path = folder_ / "model" / "model.safetensors";
    std::string file = *read_file(path);
    const auto table = parse_safetensors(std::as_bytes(std::span(file)), path.string());
    const TensorInfo& info = table->find(tensor)->second;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t at = first + i * step;
      info.dtype == "F16" ? raise<std::uint16_t>(file.data() + info.offset, at, power * (1 << 10))
                          : raise<std::uint32_t>(file.data() + info.offset, at, power * (1 << 23));
    }
    std::ofstream(path, std::ios::binary) << file;
  }

  /// int8 calibrated on `texts`.
  Status pack_whole(const std::vector<std::vector<TokenId>>& texts) {
    const fs::path f32 = folder_ / "f32.vecmill";
    EXPECT_TRUE(pack(folder_ / "model", f32));
    return pack_int8(folder_ / "model", folder_ / "int8.vecmill", {f32, texts});
  }

  std::string packed() { return *read_file(folder_ / "int8.vecmill"); }

  std::shared_ptr<const Encoder> pack_and_open(bool in_bytes) {
    EXPECT_TRUE(pack_whole(texts_));
    return *Encoder::open(folder_ / (in_bytes ? "int8.vecmill" : "f32.vecmill"));
  }

  /// Of each matrix of the layers.
  Kept kept() {
    pack_and_open(true);
    Kept all;
    const auto model = PackedModel::open(folder_ / "int8.vecmill");
    for (std::size_t i = 0; i < model->transformer.layers.size(); ++i) {
      const Layer& layer = model->transformer.layers[i];
      const std::pair<const char*, const Linear*> linears[] = {
          {".qkv", &layer.qkv},
          {".attention_out", &layer.attention_out},
          {".ffn_in", &layer.ffn_in},
          {".ffn_out", &layer.ffn_out}};
      for (const auto& [name, linear] : linears) {
        const WholeLinear& whole = linear->whole;
        all[std::to_string(i) + name].assign(whole.kept, whole.kept + whole.kept_count);
      }
    }
    return all;
  }

  /// The smallest cosine of int8 to f32.
  double cosine() {
    const auto f32 = vectors(false), int8 = vectors(true);
    double least = 1;
    const std::size_t dims = f32.size() / texts_.size();
    for (std::size_t i = 0; i < f32.size(); i += dims) {
      const auto dot = [&](const std::vector<float>& a, const std::vector<float>& b) {
        return std::inner_product(&a[i], &a[i] + dims, &b[i], 0.0);
      };
      least = std::min(least, dot(f32, int8) / std::sqrt(dot(f32, f32) * dot(int8, int8)));
    }
    return least;
  }

  std::vector<std::vector<TokenId>> texts_;

 private:
  template <class Bits>
  static void raise(char* numbers, std::size_t at, int by) {
    constexpr auto kSign = static_cast<Bits>(Bits{1} << (8 * sizeof(Bits) - 1));
    Bits bits;
    std::memcpy(&bits, numbers + at * sizeof bits, sizeof bits);
    const std::int64_t size = std::int64_t{bits} % kSign + by;
    bits = size < 0 ? Bits{0} : static_cast<Bits>(size | (bits & kSign));
    std::memcpy(numbers + at * sizeof bits, &bits, sizeof bits);
  }

  std::vector<float> vectors(bool in_bytes) {
    const auto encoder = pack_and_open(in_bytes);
    std::vector<Sequence> batch;
    for (const auto& text : texts_) batch.push_back({text, 0});
    std::vector<float> out(batch.size() * encoder->dims());
    const auto workspace = encoder->make_workspace();
    EXPECT_TRUE(encoder->encode(batch, *workspace, out.data()));
    return out;
  }

  fs::path folder_;
};

TEST_P(OutliersTest, AreFoundInExactlyTheirMatrixAndCostNothing) {
  constexpr std::size_t kHidden = 32, kOutlier = 13;
  constexpr int kPower = 6;  // 64 times as large
  const Kept before = kept();
  const double cosine_before = cosine();
  // A value is larger, and who takes it takes less of it: the model computes what it did.
  scale(GetParam().value + ".weight", kOutlier * kHidden, kHidden, 1, kPower);
  scale(GetParam().value + ".bias", kOutlier, 1, 1, kPower);
  scale(GetParam().out + ".weight", kOutlier, kHidden, kHidden, -kPower);
  const Kept after = kept();
  for (const auto& [name, inputs] : after) {
    const bool is_here = std::ranges::count(inputs, kOutlier) > 0;
    if (name == "1.attention_out") {
      EXPECT_TRUE(is_here);
    } else {
      EXPECT_EQ(inputs, before.at(name)) << name;
    }
  }
  EXPECT_GE(cosine(), cosine_before - 2e-4);
}

TEST_P(OutliersTest, ATextWithoutTokensTeachesNothing) {
  ASSERT_TRUE(pack_whole(texts_));
  const std::string without = packed();
  auto texts = texts_;
  texts.emplace(texts.begin() + 1);
  texts.emplace_back();
  ASSERT_TRUE(pack_whole(texts));
  EXPECT_EQ(packed(), without);
  for (const auto& none : {std::vector<std::vector<TokenId>>(), {{}, {}}}) {
    const Status packed = pack_whole(none);
    ASSERT_FALSE(packed);
    EXPECT_EQ(packed.error().kind, ErrorKind::kInvalidArgument);
  }
}

INSTANTIATE_TEST_SUITE_P(Models, OutliersTest,
                         testing::Values(Model{"mpnet", "encoder.layer.1.attention.attn.v",
                                               "encoder.layer.1.attention.attn.o"},
                                         Model{"xlm-roberta-m3",
                                               "encoder.layer.1.attention.self.value",
                                               "encoder.layer.1.attention.output.dense"}),
                         [](const auto& model) { return model.index == 0 ? "mpnet" : "bge_m3"; });

}  // namespace
}  // namespace vecmill::encode
