#include "vecmill/cli/settings.h"

#include <gtest/gtest.h>

#include <fstream>

namespace vecmill::cli {
namespace {

class SettingsTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(testing::TempDir()) /
              testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_ / "a" / "b");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path file(const std::string& name, const std::string& content) {
    std::ofstream(folder_ / name) << content;
    return folder_ / name;
  }
  Layers layers() {
    Layers result;
    result.environment = [this](const std::string& name) -> std::optional<std::string> {
      const auto found = environment_.find(name);
      if (found == environment_.end()) return std::nullopt;
      return found->second;
    };
    return result;
  }
  static Error error_of(const Layers& layers) {
    const auto settings = Settings::resolve(layers);
    EXPECT_FALSE(settings.has_value());
    return settings ? Error{} : settings.error();
  }

  std::filesystem::path folder_;
  std::map<std::string, std::string> environment_;
};

TEST_F(SettingsTest, TheStrongerLayerWins) {
  Layers all = layers();
  const auto dims = [&] {
    const auto settings = Settings::resolve(all);
    return std::pair(settings->count("dims"), settings->origin("dims"));
  };
  EXPECT_EQ(dims(), std::pair(0U, std::string("default")));
  all.user_file = file("user.toml", "dims = 1\n");
  EXPECT_EQ(dims(), std::pair(1U, all.user_file->string() + ":1"));
  all.project_file = file("vecmill.toml", "# mine\ndims = 2\n");
  EXPECT_EQ(dims(), std::pair(2U, all.project_file->string() + ":2"));
  environment_["VECMILL_DIMS"] = "3";
  EXPECT_EQ(dims(), std::pair(3U, std::string("VECMILL_DIMS")));
  all.flags["dims"] = "4";
  EXPECT_EQ(dims(), std::pair(4U, std::string("--dims")));
}

TEST_F(SettingsTest, EachLayerAloneReachesEverySetting) {
  for (const Flag& flag : all_flags()) {
    if (!flag.setting) continue;
    std::string value = "x";
    if (flag.kind == FlagKind::kCount) value = "7";
    if (flag.kind == FlagKind::kSwitch) value = "true";
    if (flag.kind == FlagKind::kBytes) value = "20MB";
    if (flag.kind == FlagKind::kAge) value = "7d";
    if (flag.kind == FlagKind::kChoice) value = flag.choices.substr(0, flag.choices.find('|'));
    const bool bare = flag.kind == FlagKind::kCount || flag.kind == FlagKind::kSwitch;
    Layers from_file = layers();
    from_file.project_file =
        file("vecmill.toml", file_key(flag) + " = " + (bare ? value : "\"" + value + "\"") + "\n");
    const auto read = Settings::resolve(from_file);
    ASSERT_TRUE(read.has_value()) << flag.name << ": " << read.error().to_string();
    EXPECT_EQ(read->text(flag.name), value);
    environment_ = {{environment_name(flag), value}};
    EXPECT_EQ(Settings::resolve(layers())->text(flag.name), value) << flag.name;
    environment_.clear();
  }
}

TEST_F(SettingsTest, AnEarlierNameGoesOnToCountAndGivesWayToTheNewOne) {
  Layers both = layers();
  both.project_file = file("vecmill.toml", "redis_cache_only = true\nredis = \"in the file\"\n");
  EXPECT_EQ(Settings::resolve(both)->text("shared"), "in the file");
  EXPECT_TRUE(Settings::resolve(both)->on("shared-cache-only"));
  environment_ = {{"VECMILL_REDIS", "old"}};
  EXPECT_EQ(Settings::resolve(both)->text("shared"), "old");
  EXPECT_EQ(Settings::resolve(both)->origin("shared"), "VECMILL_REDIS");
  environment_["VECMILL_SHARED"] = "new";
  EXPECT_EQ(Settings::resolve(both)->text("shared"), "new");
}

TEST_F(SettingsTest, UnknownKeysNameTheNearest) {
  Layers bad = layers();
  bad.project_file = file("vecmill.toml", "model = \"m\"\nbatchsize = 3\n");
  const Error error = error_of(bad);
  EXPECT_EQ(error.kind, ErrorKind::kInvalidArgument);
  EXPECT_EQ(error.where, bad.project_file->string() + ":2");
  EXPECT_EQ(error.hint, "did you mean batch_size?");
  bad.project_file = file("vecmill.toml", "[embed]\nmodel = \"m\"\n");
  EXPECT_EQ(error_of(bad).message, "unknown key embed.model");
}

TEST_F(SettingsTest, BadValuesNameTheirLayer) {
  const auto check = [&](const std::string& content) {
    Layers bad = layers();
    bad.project_file = file("vecmill.toml", content);
    return error_of(bad);
  };
  EXPECT_EQ(check("dims = -1").message, "\"-1\" is not a whole number from 0 to 1048576");
  EXPECT_EQ(check("threads = 1025").message, "\"1025\" is not a whole number from 0 to 1024");
  EXPECT_EQ(check("dims = 1.5").message, "\"1.5\" is not a whole number from 0 to 1048576");
  EXPECT_EQ(check("dims = [1]").message, "dims must be a text, a number, true or false");
  EXPECT_EQ(check("role = \"documnt\"").hint, "did you mean document?");
  EXPECT_EQ(check("[cache]\nmax_size = \"ten\"").message, "\"ten\" is not a size");
  EXPECT_EQ(check("cache.ttl = \"week\"").message, "\"week\" is not an age");
  EXPECT_EQ(check("cache.pth = \"x\"").hint, "did you mean cache.path?");
  EXPECT_EQ(check("dims = [").kind, ErrorKind::kInvalidArgument);
  environment_["VECMILL_TRUNCATE"] = "middle";
  EXPECT_EQ(error_of(layers()).where, "VECMILL_TRUNCATE");
}

TEST_F(SettingsTest, ProjectFileIsTheNearestUpwards) {
  const auto outer = file("vecmill.toml", "");
  EXPECT_EQ(find_project_file(folder_ / "a" / "b"), outer);
  const auto inner = file("a/vecmill.toml", "");
  EXPECT_EQ(find_project_file(folder_ / "a" / "b"), inner);
}

}  // namespace
}  // namespace vecmill::cli
