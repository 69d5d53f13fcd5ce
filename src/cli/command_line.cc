#include "vecmill/cli/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <list>

#include "vecmill/base/suggest.h"

namespace vecmill::cli {
namespace {

std::vector<std::string_view> flags_of(const Command& command) {
  std::vector<std::string_view> names = command.flags;
  names.insert(names.end(), common_flags().begin(), common_flags().end());
  return names;
}

Error unknown_command(const std::string& word) {
  std::vector<std::string_view> names;
  for (const Command& command : all_commands()) names.push_back(command.name);
  std::string hint = suggestion(word, names);
  if (hint.empty()) hint = "`vecmill --help` lists the commands";
  return make_error(ErrorKind::kInvalidArgument, "there is no command '" + word + "'", {}, hint);
}

Error unknown_flag(const Command& command, const std::string& word) {
  const std::string name = word.substr(0, word.find('='));
  std::vector<std::string> names;
  for (const std::string_view flag : flags_of(command)) names.push_back("--" + std::string(flag));
  const std::vector<std::string_view> views(names.begin(), names.end());
  std::string hint = suggestion(name, views);
  if (hint.empty()) hint = "`vecmill " + std::string(command.name) + " --help` lists its flags";
  return make_error(ErrorKind::kInvalidArgument, std::string(command.name) + " has no flag " + name,
                    {}, hint);
}

/// CLI11 parses, and nothing more: values are checked with the settings.
class Parser {
 public:
  explicit Parser(const Command& command) : command_(command) {
    app_.set_help_flag();
    app_.allow_extras();
    for (const std::string_view name : flags_of(command)) add(*find_flag(name));
    app_.add_option("arguments", line_.arguments);
  }

  Result<CommandLine> parse(std::vector<std::string> words) {
    const auto dashes = std::ranges::find(words, "--");  // CLI11 would call them a flag
    std::vector<std::string> behind(dashes == words.end() ? dashes : dashes + 1, words.end());
    words.erase(dashes, words.end());
    std::ranges::reverse(words);  // as CLI11 takes them
    try {
      app_.parse(words);
    } catch (const CLI::ParseError& error) {
      return make_error(ErrorKind::kInvalidArgument, error.what(), {},
                        "see `vecmill " + std::string(command_.name) + " --help`");
    }
    for (const std::string& word : app_.remaining()) {
      if (word.size() > 1 && word[0] == '-') return unknown_flag(command_, word);
      line_.arguments.push_back(word);
    }
    line_.arguments.insert(line_.arguments.end(), behind.begin(), behind.end());
    line_.command = &command_;
    for (const auto& [flag, option, value] : found_) {
      if (option->count() == 0) continue;
      if (flag->name == "help") line_.help = true;
      line_.flags[std::string(flag->name)] = flag->kind == FlagKind::kSwitch ? "true" : value;
    }
    return std::move(line_);
  }

 private:
  struct Found {
    const Flag* flag;
    CLI::Option* option;
    std::string value;
  };

  void add(const Flag& flag) {
    std::string names = "--" + std::string(flag.name);
    if (!flag.once.empty()) names += ",--" + std::string(flag.once);
    if (flag.letter != 0) names += std::string(",-") + flag.letter;
    Found& found = found_.emplace_back(Found{&flag, nullptr, {}});
    found.option =
        flag.kind == FlagKind::kSwitch ? app_.add_flag(names) : app_.add_option(names, found.value);
    if (flag.kind != FlagKind::kSwitch) {
      found.option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    }
  }

  const Command& command_;
  CLI::App app_;
  std::list<Found> found_;  // does not move
  CommandLine line_;
};

}  // namespace

Result<CommandLine> parse_command_line(const std::vector<std::string>& words) {
  const std::string first = words.empty() ? "" : words[0];
  if (first.empty() || first == "--help" || first == "-h") {
    CommandLine line;
    line.help = true;
    return line;
  }
  if (first == "help") {
    CommandLine line;
    line.help = true;
    if (words.size() > 1) {
      line.command = find_command(words[1]);
      if (line.command == nullptr) return unknown_command(words[1]);
    }
    return line;
  }
  const Command* command = find_command(first == "--version" ? "version" : first);
  if (command == nullptr) return unknown_command(first);
  return Parser(*command).parse({words.begin() + 1, words.end()});
}

}  // namespace vecmill::cli
