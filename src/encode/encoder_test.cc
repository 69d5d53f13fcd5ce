#include "vecmill/encode/encoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "vecmill/encode/isa.h"
#include "vecmill/encode/packed_file.h"
#include "vecmill/encode/team.h"
#include "vecmill_source_dir.h"

namespace vecmill::encode {
namespace {
namespace fs = std::filesystem;

class EncoderTest : public testing::Test {
 protected:
  EncoderTest() {
    std::string name = (fs::temp_directory_path() / "encoder_test.XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    packed_ = pack_model("xlm-roberta");
  }
  ~EncoderTest() override { fs::remove_all(folder_); }

  fs::path pack_model(const std::string& name) {
    const fs::path models = fs::path(VECMILL_SOURCE_DIR) / "tests" / "golden" / "models";
    const fs::path packed = folder_ / (name + ".vecmill");
    const Status status = pack(models / name, packed);
    EXPECT_TRUE(status) << status.error().to_string();
    return packed;
  }

  std::shared_ptr<const Encoder> open(const EncoderOptions& options = {}) {
    auto encoder = Encoder::open(packed_, options);
    EXPECT_TRUE(encoder) << encoder.error().to_string();
    return encoder ? *encoder : nullptr;
  }

  static Result<std::vector<float>> encode(const Encoder& encoder, const Sequence& sequence) {
    std::vector<float> out(encoder.dims());
    const auto workspace = encoder.make_workspace();
    VECMILL_TRY(encoder.encode({&sequence, 1}, *workspace, out.data()));
    return out;
  }

  fs::path folder_, packed_;
  const std::vector<TokenId> ids_ = {0, 17, 42, 99, 1, 7, 2};
};

TEST_F(EncoderTest, EveryInstructionSetGivesTheSameBits) {
  const auto expected = encode(*open({.dims = 0, .isa = "portable"}), {ids_});
  ASSERT_TRUE(expected);
  for (const Isa isa : available_isas()) {
    const auto encoder = open({.dims = 0, .isa = std::string(name(isa))});
    EXPECT_EQ(encoder->isa(), name(isa));
    EXPECT_EQ(*encode(*encoder, {ids_}), *expected) << name(isa);
  }
}

TEST_F(EncoderTest, ATeamGivesTheSameBits) {
  const auto encoder = open();
  const Sequence sequence{ids_};
  const auto workspace = encoder->make_workspace();
  std::vector<float> out(encoder->dims());
  Team team(2);
  ASSERT_TRUE(encoder->encode_one(sequence, team, *workspace, out.data()));
  EXPECT_EQ(out, *encode(*encoder, sequence));
}

TEST_F(EncoderTest, AnExcludedPromptChangesThePoolingOnly) {
  const auto encoder = open();
  const auto with = encode(*encoder, {ids_});
  const auto without = encode(*encoder, {ids_, 3});
  ASSERT_TRUE(with && without);
  EXPECT_NE(*with, *without);
  const auto nothing_left = encode(*encoder, {ids_, 7});
  ASSERT_FALSE(nothing_left);
  EXPECT_THAT(nothing_left.error().message, testing::HasSubstr("prompt"));
}

TEST_F(EncoderTest, RefusesSequencesThatCannotBe) {
  const auto encoder = open();
  std::vector<TokenId> too_long(encoder->description().max_tokens + 1, 5);
  const std::vector<std::pair<std::vector<TokenId>, const char*>> cases = {
      {{}, "without tokens"},
      {too_long, "does not fit the model's 96 positions"},
      {{0, -1, 2}, "token id -1 is outside"},
      {{0, static_cast<TokenId>(encoder->description().vocab), 2}, "is outside the vocabulary"}};
  for (const auto& [ids, message] : cases) {
    const auto vector = encode(*encoder, {ids});
    ASSERT_FALSE(vector) << message;
    EXPECT_EQ(vector.error().kind, ErrorKind::kInvalidArgument);
    EXPECT_THAT(vector.error().message, testing::HasSubstr(message));
  }
  too_long.pop_back();
  EXPECT_TRUE(encode(*encoder, {too_long}));
}

TEST_F(EncoderTest, RefusesImpossibleOptions) {
  const auto dims = Encoder::open(packed_, {.dims = 33, .isa = {}});
  ASSERT_FALSE(dims);
  EXPECT_THAT(dims.error().message, testing::HasSubstr("gives 32 components, 33"));
  const auto isa = Encoder::open(packed_, {.dims = 0, .isa = "mmx"});
  ASSERT_FALSE(isa);
  EXPECT_THAT(isa.error().to_string(), testing::HasSubstr("mmx"));
  EXPECT_FALSE(Encoder::open(folder_ / "none"));
}

/// Whatever single bit of the file flips: an error, or exactly the same vector.
TEST_F(EncoderTest, AFlippedBitNeverGivesAnotherVector) {
  const auto expected = encode(*open(), {ids_});
  ASSERT_TRUE(expected);
  const auto size = static_cast<std::uint64_t>(fs::file_size(packed_));
  const std::uint64_t stride = std::getenv("VECMILL_TEST_DEEP") != nullptr ? 61 : 1031;
  int errors = 0;
  for (std::uint64_t at = 5; at < size; at += stride) {
    const auto flip = [&] {
      std::fstream file(packed_, std::ios::in | std::ios::out | std::ios::binary);
      file.seekg(static_cast<std::streamoff>(at));
      const int byte = file.get();
      file.seekp(static_cast<std::streamoff>(at));
      file.put(static_cast<char>(byte ^ (1 << at % 8)));
    };
    flip();
    if (const auto encoder = Encoder::open(packed_)) {
      const auto vector = encode(**encoder, {ids_});
      if (vector) {
        EXPECT_EQ(*vector, *expected) << at;
      }
      errors += !vector;
    } else {
      ++errors;
    }
    flip();
  }
  EXPECT_GT(errors, static_cast<int>(size / stride / 2));
}

TEST_F(EncoderTest, ADamagedWordIsFoundByTheTextThatHasIt) {
  std::uint64_t place = 0;
  {
    const auto file = PackedFile::open(packed_);
    ASSERT_TRUE(file);
    place = kPackedHeader + file->meta().tensors.at("words").offset;
  }
  std::fstream(packed_, std::ios::in | std::ios::out | std::ios::binary)
      .seekp(static_cast<std::streamoff>(place + kPackedBlock))
      .put('x');
  const auto encoder = open();
  ASSERT_TRUE(encoder);
  const std::vector<TokenId> far = {0, 200, 2};  // 128 rows fill a block
  EXPECT_TRUE(encode(*encoder, {ids_}));
  const auto vector = encode(*encoder, {far});
  ASSERT_FALSE(vector);
  EXPECT_THAT(vector.error().message, testing::HasSubstr("damaged"));
  EXPECT_FALSE(verify_packed(packed_));
}

}  // namespace
}  // namespace vecmill::encode
