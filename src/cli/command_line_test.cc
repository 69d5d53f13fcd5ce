#include "vecmill/cli/command_line.h"

#include <gmock/gmock.h>

#include "vecmill/cli/help.h"

namespace vecmill::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

CommandLine parsed(const std::vector<std::string>& words) {
  auto line = parse_command_line(words);
  EXPECT_TRUE(line.has_value()) << (line ? "" : line.error().to_string());
  return line ? *line : CommandLine{};
}

std::string refusal(const std::vector<std::string>& words) {
  const auto line = parse_command_line(words);
  EXPECT_FALSE(line.has_value());
  if (line) return {};
  EXPECT_EQ(line.error().kind, ErrorKind::kInvalidArgument);
  return line.error().to_string();
}

TEST(CommandLine, FlagsAndArgumentsInAnyOrder) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"embed", "a", "--out", "o.npy", "b", "--resume"},
        {"embed", "--out=o.npy", "--resume", "a", "b"},
        {"embed", "-o", "o.npy", "a", "--resume", "b"}}) {
    const CommandLine line = parsed(words);
    EXPECT_EQ(line.command->name, "embed");
    EXPECT_THAT(line.flags, ElementsAre(Pair("out", "o.npy"), Pair("resume", "true")));
    EXPECT_THAT(line.arguments, ElementsAre("a", "b"));
  }
}

TEST(CommandLine, TheLastOfTwoWins) {
  EXPECT_EQ(parsed({"embed", "--dims", "1", "--dims", "2"}).flags.at("dims"), "2");
}

TEST(CommandLine, AnEarlierNameOfAFlagIsAnotherNameOfIt) {
  EXPECT_EQ(parsed({"embed", "--redis", "x"}).flags.at("shared"), "x");
  EXPECT_EQ(parsed({"embed", "--redis-cache-only"}).flags.at("shared-cache-only"), "true");
}

TEST(CommandLine, BehindTwoDashesEverythingIsAnArgument) {
  EXPECT_THAT(parsed({"query", "--index", "x", "--", "--json"}).arguments, ElementsAre("--json"));
}

TEST(CommandLine, OneDashIsStandardInput) {
  EXPECT_THAT(parsed({"embed", "-", "--out", "o"}).arguments, ElementsAre("-"));
}

TEST(CommandLine, HelpInEveryForm) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"query", "--help"}, {"query", "-h"}, {"help", "query"}}) {
    const CommandLine line = parsed(words);
    EXPECT_TRUE(line.help);
    EXPECT_EQ(line.command->name, "query");
  }
  EXPECT_EQ(parsed({"--help"}).command, nullptr);
  EXPECT_FALSE(parsed({"query", "x"}).help);
}

TEST(CommandLine, WhatIsNotThereNamesTheNearest) {
  EXPECT_THAT(refusal({"qurey"}), HasSubstr("did you mean query?"));
  EXPECT_THAT(refusal({"help", "qurey"}), HasSubstr("did you mean query?"));
  EXPECT_THAT(refusal({"embed", "--batchsize", "3"}), HasSubstr("did you mean --batch-size?"));
  EXPECT_THAT(refusal({"embed", "--zzzz=3"}), HasSubstr("embed has no flag --zzzz"));
  EXPECT_THAT(refusal({"version", "--dims", "3"}), HasSubstr("version has no flag --dims"));
  EXPECT_THAT(refusal({"embed", "--out"}), HasSubstr("--out"));
}

TEST(Commands, EveryFlagIsInTheTableAndInTheHelp) {
  for (const Command& command : all_commands()) {
    const std::string help = command_help(command);
    ASSERT_NE(command.run, nullptr) << command.name;
    for (const std::string_view flag : command.flags) {
      ASSERT_NE(find_flag(flag), nullptr) << flag;
      EXPECT_THAT(help, HasSubstr("--" + std::string(flag)));
    }
    EXPECT_THAT(program_help(), HasSubstr("  " + std::string(command.name) + " "));
  }
}

TEST(Commands, EveryFlagIsOfSomeCommand) {
  for (const Flag& flag : all_flags()) {
    const auto has = [&](std::span<const std::string_view> names) {
      return std::ranges::find(names, flag.name) != names.end();
    };
    bool used = has(common_flags());
    for (const Command& command : all_commands()) used = used || has(command.flags);
    EXPECT_TRUE(used) << flag.name;
  }
}

}  // namespace
}  // namespace vecmill::cli
