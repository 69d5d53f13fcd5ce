#include "vecmill/encode/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>

namespace vecmill::encode {
namespace {

std::string file_with(const std::string& header, std::size_t data_bytes) {
  const std::uint64_t size = header.size();
  std::string file(8, '\0');
  std::memcpy(file.data(), &size, 8);
  return file + header + std::string(data_bytes, '\0');
}

Result<TensorTable> parse(const std::string& file) {
  return parse_safetensors(std::as_bytes(std::span(file)), "w.safetensors");
}

TEST(SafetensorsTest, ReadsShapesAndOffsets) {
  const auto table = parse(file_with(
      R"({"__metadata__":{"format":"pt"},"b":{"dtype":"F16","shape":[3],"data_offsets":[16,22]},)"
      R"("a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},)"
      R"("e":{"dtype":"I64","shape":[0],"data_offsets":[22,22]}}   )",
      22));
  ASSERT_TRUE(table) << table.error().to_string();
  ASSERT_EQ(table->size(), 3u);
  EXPECT_EQ(table->at("a").shape, (std::vector<std::uint64_t>{2, 2}));
  EXPECT_EQ(table->at("b").offset - table->at("a").offset, 16u);
  EXPECT_EQ(table->at("b").bytes, 6u);
}

struct BadFile {
  std::string file;
  const char* message;
};

TEST(SafetensorsTest, RefusesBadFiles) {
  const std::string a4 = R"("a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]})";
  std::string oversized(8, '\xff');
  const BadFile cases[] = {
      {"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", "Git LFS pointer"},
      {"abc", "too short"},
      {oversized, "the header claims"},
      {file_with("{}", 0).substr(0, 9), "ends within its header"},
      {file_with("[]", 0), "does not start with '{'"},
      {file_with("{\"a\":", 0), "not valid JSON"},
      {file_with("{" + a4 + "," + a4 + "}", 4), "'a' appears twice"},
      {file_with("{" + a4 + "}", 3), "ends beyond the end"},
      {file_with("{" + a4 + "}", 5), "1 bytes follow the last tensor"},
      {file_with(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", 8), "a hole before"},
      {file_with("{" + a4 + R"(,"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}})", 6),
       "'b' overlaps"},
      {file_with(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", 4), "needs 8 bytes"},
      {file_with(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})", 4),
       "no valid offsets"},
      {file_with(R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", 4),
       "no valid shape"},
      {file_with(R"({"a":{"dtype":"F32","shape":[9223372036854775807,8],"data_offsets":[0,4]}})",
                 4),
       "overflows"},
      {file_with(R"({"a":{"dtype":"F4","shape":[1],"data_offsets":[0,1]}})", 1), "whole bytes"},
      {file_with(R"({"a":{"dtype":"Q9","shape":[1],"data_offsets":[0,1]}})", 1), "'Q9'"},
      {file_with(R"({"a":{"dtype":"F32","shape":[1]}})", 0), "no valid dtype, shape and offsets"},
      {file_with(R"({"a":{"dtype":"U8","shape":[],"data_offsets":[0,1],"x":1}})", 1),
       "unknown key"},
      {file_with(R"({"a":7})", 0), "no valid entry"},
      {file_with(R"({"__metadata__":{"x":1}})", 0), "more than strings"},
      {file_with(R"({"__metadata__":{},"__metadata__":{}})", 0), "__metadata__ appears twice"},
  };
  for (const BadFile& bad : cases) {
    const auto table = parse(bad.file);
    ASSERT_FALSE(table) << bad.message;
    EXPECT_THAT(table.error().to_string(), testing::HasSubstr(bad.message));
    EXPECT_EQ(table.error().where, "w.safetensors");
  }
}

TEST(SafetensorsTest, EveryCutIsRefused) {
  const std::string file =
      file_with(R"({"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}})", 24);
  ASSERT_TRUE(parse(file));
  for (std::size_t size = 0; size < file.size(); ++size) EXPECT_FALSE(parse(file.substr(0, size)));
}

std::vector<float> convert(std::vector<std::uint16_t> words, std::string_view dtype) {
  std::vector<float> out(words.size());
  const Status status = read_floats(std::as_bytes(std::span(words)), dtype, out);
  EXPECT_TRUE(status);
  return out;
}

TEST(SafetensorsTest, HalfIsConvertedExactly) {
  EXPECT_THAT(
      convert({0x0000, 0x3C00, 0xC000, 0x7BFF, 0x0001, 0x83FF, 0x0400}, "F16"),
      testing::ElementsAre(0.0f, 1.0f, -2.0f, 65504.0f, 0x1p-24f, -1023 * 0x1p-24f, 0x1p-14f));
  EXPECT_TRUE(std::signbit(convert({0x8000}, "F16")[0]));
  EXPECT_THAT(convert({0x3F80, 0xBF00, 0x0001}, "BF16"),
              testing::ElementsAre(1.0f, -0.5f, std::bit_cast<float>(0x00010000u)));
}

TEST(SafetensorsTest, RefusesNanInfinityAndOtherTypes) {
  float out = 0;
  const auto read = [&](auto value, std::string_view dtype) {
    return read_floats(std::as_bytes(std::span(&value, 1)), dtype, {&out, 1});
  };
  EXPECT_EQ(read(std::nanf(""), "F32").error().kind, ErrorKind::kInvalidData);
  EXPECT_EQ(read(-INFINITY, "F32").error().kind, ErrorKind::kInvalidData);
  EXPECT_EQ(read(std::uint16_t{0x7C00}, "F16").error().kind, ErrorKind::kInvalidData);
  EXPECT_EQ(read(std::uint16_t{0x7FC0}, "BF16").error().kind, ErrorKind::kInvalidData);
  EXPECT_EQ(read(1.0, "F64").error().kind, ErrorKind::kUnsupported);
}

}  // namespace
}  // namespace vecmill::encode
