#include "vecmill/encode/word_writer.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <random>

#include "vecmill/encode/compact_word.h"
#include "vecmill/encode/packed_file.h"

namespace vecmill::encode {
namespace {
namespace fs = std::filesystem;

constexpr std::uint32_t kVocab = 7, kWidth = 5;  // whose bytes fill no whole number of floats

class WordWriterTest : public testing::Test {
 protected:
  WordWriterTest() {
    std::string name = (fs::temp_directory_path() / "word_writer.XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    for (float& x : values_) x = normal(random);
    std::fill_n(values_.begin() + kWidth, kWidth, 0.0F);
    values_[3 * kWidth + 1] = -40;
  }
  ~WordWriterTest() override { fs::remove_all(folder_); }

  /// The packed file of the table, which comes in pieces of so many components.
  PackedFile written(WordWriter::Numbers numbers, std::size_t piece) {
    auto writer = PackedWriter::create(folder_ / "packed");
    EXPECT_TRUE(writer);
    WordWriter words(*writer, numbers, kVocab, kWidth);
    EXPECT_TRUE(words.start());
    for (std::size_t at = 0; at < values_.size(); at += piece) {
      const std::size_t count = std::min(piece, values_.size() - at);
      EXPECT_TRUE(words.append(std::span(values_).subspan(at, count)));
    }
    EXPECT_TRUE(words.finish());
    EXPECT_TRUE(writer->finish({}, {}, {}));
    auto file = PackedFile::open(folder_ / "packed");
    EXPECT_TRUE(file) << file.error().to_string();
    return std::move(*file);
  }

  fs::path folder_;
  std::vector<float> values_ = std::vector<float>(std::size_t{kVocab} * kWidth);
};

TEST_F(WordWriterTest, RowsInBytesAreTheSameInPiecesOfAnySize) {
  constexpr std::size_t kFloats = compact_word_floats(kWidth);
  for (const std::size_t piece : {1U, 3U, 5U, 7U, 11U, 35U}) {
    const PackedFile file = written(WordWriter::Numbers::kInt8, piece);
    const auto table = file.tensor("words_int8", kVocab * kFloats);
    ASSERT_TRUE(table);
    for (std::uint32_t row = 0; row < kVocab; ++row) {
      std::array<float, kWidth> read{};
      read_compact_word(reinterpret_cast<const std::byte*>(*table + row * kFloats), read);
      const auto original = std::span(values_).subspan(std::size_t{row} * kWidth, kWidth);
      float most = 0;
      for (const float x : original) most = std::max(most, std::fabs(x));
      for (std::uint32_t i = 0; i < kWidth; ++i) {
        EXPECT_LE(std::fabs(read[i] - original[i]), 0.5001F * most / 127) << piece << ": " << row;
      }
    }
  }
}

TEST_F(WordWriterTest, FloatsStayWhatTheyAre) {
  const PackedFile file = written(WordWriter::Numbers::kF32, 4);
  const auto table = file.tensor("words", values_.size());
  ASSERT_TRUE(table);
  EXPECT_TRUE(std::ranges::equal(values_, std::span(*table, values_.size())));
}

}  // namespace
}  // namespace vecmill::encode
