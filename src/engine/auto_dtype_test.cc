#include "vecmill/engine/auto_dtype.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "vecmill/engine.h"
#include "vecmill/engine/packed_models.h"
#include "vecmill_source_dir.h"

namespace vecmill::engine {
namespace {
namespace fs = std::filesystem;

TEST(DtypeTest, NamesAndArithmetics) {
  for (const Dtype dtype : {Dtype::kF32, Dtype::kBf16, Dtype::kInt8, Dtype::kInt8Compact}) {
    const auto parsed = parse_dtype(name(dtype));
    ASSERT_TRUE(parsed);
    EXPECT_EQ(*parsed, dtype);
    EXPECT_EQ(dtype_of(std::string(name(dtype)) + "/1"), name(dtype));
  }
  EXPECT_EQ(parse_dtype("auto").value(), std::nullopt);
  EXPECT_EQ(dtype_of("hash/1"), "auto");
  const auto wrong = parse_dtype("fp8");
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error().to_string(),
              testing::HasSubstr("use auto, f32, bf16, int8 or int8-compact"));
}

TEST(AutoDtypeTest, TheFasterOfThoseThatAreExact) {
  EXPECT_EQ(faster_of(1.6, 0.99995), Dtype::kBf16);
  EXPECT_EQ(faster_of(1.1, 0.9999), Dtype::kBf16);
  EXPECT_EQ(faster_of(1.09, 0.99999), Dtype::kF32);
  EXPECT_EQ(faster_of(3.0, 0.99989), Dtype::kF32);
  EXPECT_EQ(faster_of(0.5, 0), Dtype::kF32);
}

TEST(AutoDtypeTest, AChoiceIsReadAsItWasWritten) {
  const std::string text = to_text({Dtype::kBf16, 1.5, 0.99995}, "a machine");
  const auto choice = parse_choice(text, "a machine");
  ASSERT_TRUE(choice);
  EXPECT_EQ(choice->dtype, Dtype::kBf16);
  EXPECT_EQ(choice->speed, 1.5);
  EXPECT_EQ(choice->least_cosine, 0.99995);
}

TEST(AutoDtypeTest, AnotherMachineOrADamagedFileIsNoChoice) {
  const std::string text = to_text({Dtype::kBf16, 1.5, 0.99995}, "a machine");
  EXPECT_FALSE(parse_choice(text, "another"));
  for (std::size_t length = 0; length + 2 < text.size(); ++length) {
    EXPECT_FALSE(parse_choice(text.substr(0, length), "a machine")) << length;
  }
  EXPECT_FALSE(parse_choice(to_text({Dtype::kF32, 1.5, 0.99995}, "a machine"), "a machine"));
  EXPECT_FALSE(parse_choice(R"({"machine":"m","dtype":"f32","speed":"fast"})", "m"));
  EXPECT_FALSE(parse_choice(R"({"machine":"m","dtype":7,"speed":1})", "m"));
  EXPECT_TRUE(parse_choice(R"({"machine":"m","dtype":"f32","speed":1})", "m"));
}

/// An own home, in which tiny golden models are packed.
class AutoModelTest : public testing::Test {
 protected:
  AutoModelTest() {
    std::string name = (fs::temp_directory_path() / "auto_dtype_test.XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    ::setenv("VECMILL_HOME", (folder_ / "home").c_str(), 1);
    std::ofstream(folder_ / "a.txt") << "one\ntwo words\nthree words here\n";
  }
  ~AutoModelTest() override {
    ::unsetenv("VECMILL_HOME");
    fs::remove_all(folder_);
  }

  static fs::path tiny(const char* name) {
    return fs::path(VECMILL_SOURCE_DIR) / "tests" / "golden" / "models" / name;
  }

  EmbedJob job(const char* out) const {
    EmbedJob job;
    job.inputs = {(folder_ / "a.txt").string()};
    job.out = (folder_ / out).string();
    return job;
  }

  Status embed(const char* out, const std::string& dtype) const {
    ModelOptions options;
    options.model = tiny("bert").string();
    options.dtype = dtype;
    options.threads = 1;
    VECMILL_ASSIGN(const auto engine, Engine::open(options));
    VECMILL_TRY(engine->run(job(out), {}, {}));
    return {};
  }

  fs::path folder_;
};

TEST_F(AutoModelTest, WhatIsSmallOrHasNoLayersIsNotMeasured) {
  for (const char* name : {"bert", "static-embedding"}) {
    const auto choice = choose_dtype(tiny(name));
    ASSERT_TRUE(choice) << choice.error().to_string();
    EXPECT_EQ(choice->dtype, Dtype::kF32);
    EXPECT_EQ(choice->speed, 0);
    const auto known = known_choice(tiny(name));
    ASSERT_TRUE(known);
    EXPECT_FALSE(known->has_value());
  }
}

TEST_F(AutoModelTest, AStaticModelIsNotPackedInBf16) {
  const auto packed = packed_file_of(tiny("static-embedding"), Dtype::kBf16);
  ASSERT_FALSE(packed);
  EXPECT_THAT(packed.error().to_string(), testing::HasSubstr("no layers that bf16"));
}

TEST_F(AutoModelTest, AJobThatIsGoneOnWithKeepsItsArithmetic) {
  ModelOptions options;
  options.model = tiny("bert").string();
  for (const char* out : {"a.npy", "b.jsonl", "c.db"}) {
    ASSERT_TRUE(embed(out, "bf16"));
    EmbedJob again = job(out);
    EXPECT_EQ(dtype_for(again, options).value(), "auto");
    again.resume = true;
    EXPECT_EQ(dtype_for(again, options).value(), "bf16");
    ModelOptions by_name = options;
    by_name.dtype = "f32";
    EXPECT_EQ(dtype_for(again, by_name).value(), "f32");
    EXPECT_EQ(model_of_index(again.out)->dtype, "bf16");
    ModelOptions remote = options;
    remote.model = "voyage:voyage-code-3";
    EXPECT_EQ(dtype_for(again, remote).value(), "auto");
  }
}

}  // namespace
}  // namespace vecmill::engine
