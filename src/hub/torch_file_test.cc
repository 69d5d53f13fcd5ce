#include "vecmill/hub/torch_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "vecmill/hub/test_files.h"
#include "vecmill_source_dir.h"

namespace vecmill::hub {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

fs::path testdata(const std::string& name) {
  return fs::path(VECMILL_SOURCE_DIR) / "src/hub/testdata" / name;
}

Result<std::string> converted(const std::string& file) {
  std::string out;
  VECMILL_TRY(convert_to_safetensors(std::as_bytes(std::span(file)), "m.bin",
                                     [&](std::string_view piece) -> Status {
                                       out += piece;
                                       return {};
                                     }));
  return out;
}

struct Tensor {
  std::string dtype;
  std::vector<std::uint64_t> shape;
  std::string bytes;
  bool operator==(const Tensor&) const = default;
};

/// What a safetensors file holds, whatever the order in it.
std::map<std::string, Tensor> tensors_of(const std::string& file) {
  std::uint64_t header_size = 0;
  std::memcpy(&header_size, file.data(), sizeof header_size);
  const auto header = nlohmann::json::parse(file.substr(8, header_size));
  std::map<std::string, Tensor> tensors;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") continue;
    const std::uint64_t start = entry.at("data_offsets")[0];
    const std::uint64_t end = entry.at("data_offsets")[1];
    tensors[name] = {entry.at("dtype"), entry.at("shape"),
                     file.substr(8 + header_size + start, end - start)};
  }
  return tensors;
}

class TorchFileTest : public ::testing::TestWithParam<const char*> {};

TEST_P(TorchFileTest, ConvertsToTheTensorsThatTorchSees) {
  const auto mine = converted(content_of(testdata(GetParam())));
  ASSERT_TRUE(mine) << mine.error().to_string();
  const auto expected = tensors_of(content_of(testdata(GetParam() + std::string(".safetensors"))));
  ASSERT_FALSE(expected.empty());
  EXPECT_TRUE(tensors_of(*mine) == expected);
}

INSTANTIATE_TEST_SUITE_P(Files, TorchFileTest,
                         ::testing::Values("kinds.pt", "module.pt", "parameters.pt",
                                           "checkpoint.pt"),
                         [](const auto& test) {
                           const std::string name = test.param;
                           return name.substr(0, name.find('.'));
                         });

void expect_refused(const std::string& file, ErrorKind kind, const char* message) {
  const auto result = converted(file);
  ASSERT_FALSE(result) << message;
  EXPECT_EQ(result.error().kind, kind) << result.error().to_string();
  EXPECT_THAT(result.error().to_string(), HasSubstr(message));
  EXPECT_EQ(result.error().where.substr(0, 5), "m.bin");
}

TEST(TorchFileTest, RefusesWhatIsNoArchiveOfTensors) {
  expect_refused(content_of(testdata("legacy.pt")), ErrorKind::kUnsupported, "torch 1.6");
  expect_refused(content_of(testdata("whole_module.pt")), ErrorKind::kUnsupported,
                 "asks for __main__.Small");
  expect_refused("", ErrorKind::kUnsupported, "torch 1.6");
  expect_refused("version https://git-lfs.github.com/spec/v1\n", ErrorKind::kInvalidData,
                 "Git LFS pointer");
}

TEST(TorchFileTest, RefusesEveryCutFile) {
  const std::string file = content_of(testdata("module.pt"));
  for (std::size_t size = 0; size < file.size(); size += 13) {
    EXPECT_FALSE(converted(file.substr(0, size))) << size;
  }
}

/// A flipped bit must never become a wrong weight.
TEST(TorchFileTest, AFlippedBitChangesNoTensor) {
  const std::string file = content_of(testdata("module.pt"));
  const auto expected = tensors_of(content_of(testdata("module.pt.safetensors")));
  int refused = 0;
  for (std::size_t at = 0; at < file.size(); ++at) {
    std::string flipped = file;
    flipped[at] = static_cast<char>(flipped[at] ^ 4);
    const auto result = converted(flipped);
    if (!result) {
      ++refused;
    } else {
      EXPECT_TRUE(tensors_of(*result) == expected) << "byte " << at;
    }
  }
  EXPECT_GT(refused, 500);  // the rest is padding, times and entries that nothing uses
}

}  // namespace
}  // namespace vecmill::hub
