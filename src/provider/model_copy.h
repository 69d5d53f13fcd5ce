#pragma once

#include <gtest/gtest.h>

#include <filesystem>

namespace vecmill::provider {

/// A test with a folder of its own: `model` in it is a copy of a model folder.
class ModelCopyTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(testing::TempDir()) /
              testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void copy_model(const std::filesystem::path& from) const {
    std::filesystem::remove_all(folder_ / "model");
    std::filesystem::copy(from, folder_ / "model", std::filesystem::copy_options::recursive);
  }

  std::filesystem::path folder_;
};

}  // namespace vecmill::provider
