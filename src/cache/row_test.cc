#include "vecmill/cache/row.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "vecmill/base/half.h"
#include "vecmill/cache/testing.h"

namespace vecmill::cache {
namespace {

const std::string kKeyOne(32, 'k');
const std::string kKeyTwo(32, 'l');

RowCodec codec(Store store, const std::string& key) {
  return std::move(RowCodec::make(store, key).value());
}

std::string row_of(int n, Store store, const std::string& key) {
  const Embedding value = value_of(n, 6);
  std::string row;
  codec(store, key).encode({key_of(n), &value, kStart}, row);
  return row;
}

class RowTest : public testing::TestWithParam<std::tuple<Store, std::string>> {
 protected:
  const Store store_ = std::get<0>(GetParam());
  const std::string key_ = std::get<1>(GetParam());
  RowCodec codec_ = codec(store_, key_);
};

TEST_P(RowTest, ARowComesBackWhole) {
  const std::string row = row_of(5, store_, key_);
  Embedding value;
  EXPECT_EQ(codec_.decode(row, key_of(5), value), RowCodec::Verdict::kHit);
  ASSERT_TRUE(same(value, value_of(5, 6)));
  const auto whole = codec_.decode(row);
  ASSERT_TRUE(whole && same(whole->value, value_of(5, 6)));
  EXPECT_EQ(whole->key, key_of(5));
  EXPECT_EQ(whole->store, store_);
}

TEST_P(RowTest, AnyFlippedBitOrOtherLengthIsDamage) {
  const std::string row = row_of(5, store_, key_);
  Embedding value;
  for (std::size_t bit = 0; bit < 8 * row.size(); ++bit) {
    std::string bad = row;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ 1 << bit % 8);
    EXPECT_EQ(codec_.decode(bad, key_of(5), value), RowCodec::Verdict::kDamaged) << bit;
    EXPECT_FALSE(codec_.decode(bad)) << bit;
  }
  for (std::size_t size = 0; size < row.size(); ++size) {
    EXPECT_EQ(codec_.decode(row.substr(0, size), key_of(5), value), RowCodec::Verdict::kDamaged);
  }
  EXPECT_EQ(codec_.decode(row + "x", key_of(5), value), RowCodec::Verdict::kDamaged);
  EXPECT_TRUE(value.vector.empty());
}

TEST_P(RowTest, AnotherTextsRowIsAMissEvenWhenOnlyTheCheckDiffers) {
  const std::string row = row_of(5, store_, key_);
  for (const bool mac : {true, false}) {
    Key other = key_of(5);
    (mac ? other.mac[31] : other.check[15]) ^= std::byte{1};
    Embedding value;
    EXPECT_EQ(codec_.decode(row, other, value), RowCodec::Verdict::kOther);
    EXPECT_TRUE(value.vector.empty());
  }
}

TEST_P(RowTest, RowsKeptInAnotherWayAreMisses) {
  Embedding value;
  const Store other = store_ == Store::kF32 ? Store::kF16 : Store::kF32;
  EXPECT_EQ(codec_.decode(row_of(5, other, key_), key_of(5), value), RowCodec::Verdict::kOther);
  EXPECT_EQ(codec_.decode(row_of(5, store_, kKeyTwo), key_of(5), value),
            RowCodec::Verdict::kDamaged);
  EXPECT_TRUE(value.vector.empty());
  EXPECT_TRUE(codec_.reads(codec(other, key_).sample()));
  EXPECT_FALSE(codec_.reads(codec(store_, kKeyTwo).sample()));
}

INSTANTIATE_TEST_SUITE_P(Ways, RowTest,
                         testing::Combine(testing::Values(Store::kF32, Store::kF16),
                                          testing::Values(std::string(), kKeyOne)));

TEST(RowCodecTest, ASealedRowTellsNothingAndNoTwoAreAlike) {
  const std::string row = row_of(5, Store::kF32, kKeyOne);
  EXPECT_NE(row, row_of(5, Store::kF32, kKeyOne)) << "the nonce is random";
  const Embedding value = value_of(5, 6);
  EXPECT_EQ(row.find(reinterpret_cast<const char*>(value.vector.data()), 0, 8), std::string::npos);
  const Key key = key_of(5);
  EXPECT_EQ(row.find(reinterpret_cast<const char*>(key.check.data()), 0, 8), std::string::npos);
}

TEST(RowCodecTest, HalfPrecisionRoundsToTheNearest) {
  const Embedding value{.vector = {0.1F, -0.3F, 1e-7F}};
  std::string row;
  RowCodec half = codec(Store::kF16, "");
  half.encode({key_of(1), &value, kStart}, row);
  const auto back = half.decode(row);
  ASSERT_TRUE(back);
  for (std::size_t d = 0; d < 3; ++d) {
    EXPECT_EQ(back->value.vector[d], from_half(to_half(value.vector[d])));
  }
}

TEST(RowCodecTest, ARowOfNoNumbersIsDamaged) {
  const Embedding none;
  std::string row;
  RowCodec plain = codec(Store::kF32, "");
  plain.encode({key_of(1), &none, kStart}, row);
  EXPECT_FALSE(plain.decode(row));
}

TEST(RowCodecTest, AKeyOfAnotherLengthIsRefused) {
  const auto bad = RowCodec::make(Store::kF32, "short");
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().to_string(),
            "the key that encrypts a cache has 5 bytes, not 32; make one with: openssl rand 32");
}

TEST(KeepableTest, OnlyDenseFiniteVectorsThatAreNotZero) {
  EXPECT_TRUE(keepable({.vector = {0, 1}}));
  EXPECT_FALSE(keepable({}));
  EXPECT_FALSE(keepable({.vector = {0, 0}}));
  EXPECT_FALSE(keepable({.vector = {1, std::nanf("")}}));
  EXPECT_FALSE(keepable({.vector = {1, std::numeric_limits<float>::infinity()}}));
  EXPECT_FALSE(keepable({.vector = {1}, .sparse = {{7, 1.0F}}}));
  EXPECT_FALSE(keepable({.vector = {1}, .multivector = {1}}));
}

}  // namespace
}  // namespace vecmill::cache
