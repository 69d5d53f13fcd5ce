#include "vecmill/cli/help.h"

#include <algorithm>
#include <vector>

namespace vecmill::cli {
namespace {

constexpr std::size_t kWidth = 100, kColumn = 28;

/// A row of two columns, the right one broken into lines.
void add_row(std::string& out, std::string left, std::string_view right) {
  left = "  " + left;
  left.append(left.size() + 2 > kColumn ? 2 : kColumn - left.size(), ' ');
  std::size_t column = left.size();
  out += left;
  while (!right.empty()) {
    const std::size_t end = std::min(right.find(' '), right.size());
    if (column + end > kWidth) {
      out.pop_back();
      out += "\n" + std::string(kColumn, ' ');
      column = kColumn;
    }
    out.append(right.substr(0, end)).append(" ");
    column += end + 1;
    right.remove_prefix(std::min(end + 1, right.size()));
  }
  out.erase(out.find_last_not_of(' ') + 1);
  out += "\n";
}

void add_flag(std::string& out, std::string_view name) {
  const Flag& flag = *find_flag(name);
  std::string left = flag.letter != 0 ? std::string("-") + flag.letter + ", " : "    ";
  left += "--" + std::string(name);
  if (!flag.value.empty()) left += " " + std::string(flag.value);
  std::string right(flag.help);
  if (flag.kind == FlagKind::kChoice) {
    right += ": ";
    right += flag.choices;
  }
  if (!flag.fallback.empty() && flag.fallback != "0") {
    right += " [" + std::string(flag.fallback) + "]";
  }
  add_row(out, std::move(left), right);
}

}  // namespace

std::string program_help() {
  std::string out =
      "vecmill turns text into vectors.\n\n"
      "  vecmill embed notes.jsonl --model all-MiniLM-L6-v2 --out notes.npy\n"
      "  vecmill query \"how do I undo a commit\" --index notes.npy -k 5\n\n"
      "commands:\n";
  for (const Command& command : all_commands()) {
    add_row(out, std::string(command.name), command.summary);
  }
  out +=
      "\n`vecmill COMMAND --help` says more. Exit codes: 0 done, 1 the answer is no, 2 usage or\n"
      "configuration, 3 some texts failed, 4 authentication, 5 a server did not answer, 6 a "
      "limit,\n"
      "7 bad data, 8 disk, 70 a bug in vecmill, 130 and 143 interrupted.\n";
  return out;
}

std::string command_help(const Command& command) {
  std::string out = "vecmill " + std::string(command.name);
  if (!command.arguments.empty()) out += " " + std::string(command.arguments);
  out += " [flags]\n\n" + std::string(command.summary) + ".\n\n";
  if (!command.details.empty()) out += std::string(command.details) + "\n\n";
  if (!command.flags.empty()) {
    out += "flags:\n";
    for (const std::string_view flag : command.flags) add_flag(out, flag);
    out += "\n";
  }
  out += "flags of every command:\n";
  for (const std::string_view flag : common_flags()) add_flag(out, flag);
  return out;
}

}  // namespace vecmill::cli
