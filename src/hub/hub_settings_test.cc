#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "vecmill/hub/pull.h"
#include "vecmill/hub/test_files.h"

namespace vecmill::hub {
namespace {

using ::testing::HasSubstr;
using Variables = std::map<std::string, std::string>;

/// The settings with these variables and no others.
Result<HubSettings> settings(const Variables& set) {
  Variables all;
  for (const char* name : {"HF_ENDPOINT", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH",
                           "HF_HOME", "XDG_CACHE_HOME", "HOME", "HF_HUB_OFFLINE",
                           "TRANSFORMERS_OFFLINE", "HF_HUB_DISABLE_IMPLICIT_TOKEN"}) {
    all[name] = "";
  }
  for (const auto& [name, value] : set) all[name] = value;
  const Environment environment(all);
  return HubSettings::from_environment();
}

TEST(HubSettingsTest, WithoutAnyItIsTheHubWithoutAToken) {
  const auto none = settings({});
  ASSERT_TRUE(none);
  EXPECT_EQ(none->endpoint, "https://huggingface.co");
  EXPECT_EQ(none->token, "");
  EXPECT_FALSE(none->offline);
}

TEST(HubSettingsTest, TheEndpointIsAnAddress) {
  EXPECT_EQ(settings({{"HF_ENDPOINT", " https://mirror.example/hf// "}})->endpoint,
            "https://mirror.example/hf");
  for (const char* bad : {"mirror.example", "ftp://mirror.example", "file:///etc"}) {
    const auto result = settings({{"HF_ENDPOINT", bad}});
    ASSERT_FALSE(result) << bad;
    EXPECT_EQ(result.error().kind, ErrorKind::kInvalidArgument);
    EXPECT_EQ(result.error().where, "HF_ENDPOINT");
  }
}

TEST(HubSettingsTest, OfflineAsTheHuggingFaceLibrariesReadIt) {
  for (const char* yes : {"1", "ON", "yes", "True"}) {
    EXPECT_TRUE(settings({{"HF_HUB_OFFLINE", yes}})->offline) << yes;
    EXPECT_TRUE(settings({{"TRANSFORMERS_OFFLINE", yes}})->offline) << yes;
  }
  for (const char* no : {"0", "off", "no", "maybe"}) {
    EXPECT_FALSE(settings({{"HF_HUB_OFFLINE", no}})->offline) << no;
  }
}

TEST(HubSettingsTest, TheTokenComesFromTheFirstPlaceThatHasOne) {
  const TestFolder folder;
  const std::string home = folder.path();
  Variables set = {{"HOME", home}};
  folder.put(".cache/huggingface/token", "hf_home\n");
  EXPECT_EQ(settings(set)->token, "hf_home");
  folder.put("xdg/huggingface/token", "hf_xdg");
  set["XDG_CACHE_HOME"] = home + "/xdg";
  EXPECT_EQ(settings(set)->token, "hf_xdg");
  folder.put("hf/token", "hf_hf");
  set["HF_HOME"] = home + "/hf";
  EXPECT_EQ(settings(set)->token, "hf_hf");
  set["HF_TOKEN_PATH"] = folder.put("mine", "hf_mine");
  EXPECT_EQ(settings(set)->token, "hf_mine");
  set["HUGGING_FACE_HUB_TOKEN"] = "hf_old";
  EXPECT_EQ(settings(set)->token, "hf_old");
  set["HF_TOKEN"] = " hf_new ";
  EXPECT_EQ(settings(set)->token, "hf_new");
  set["HF_HUB_DISABLE_IMPLICIT_TOKEN"] = "1";
  EXPECT_EQ(settings(set)->token, "");
}

TEST(HubSettingsTest, WhatCannotBeATokenIsNeverShown) {
  for (const char* bad : {"hf_a\r\nX-Injected: secret", "two secret", "secr\xc3\xa9t"}) {
    const auto result = settings({{"HF_TOKEN", bad}});
    ASSERT_FALSE(result) << bad;
    EXPECT_EQ(result.error().kind, ErrorKind::kInvalidArgument);
    EXPECT_EQ(result.error().where, "HF_TOKEN");
    EXPECT_THAT(result.error().to_string(), ::testing::Not(HasSubstr("secr")));
  }
}

}  // namespace
}  // namespace vecmill::hub
