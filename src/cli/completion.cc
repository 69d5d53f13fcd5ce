#include <algorithm>
#include <string>

#include "vecmill/base/suggest.h"
#include "vecmill/cli/command.h"
#include "vecmill/cli/output.h"

namespace vecmill::cli {
namespace {

std::vector<const Flag*> flags_of(const Command& command) {
  std::vector<const Flag*> flags;
  for (const std::string_view name : command.flags) flags.push_back(find_flag(name));
  for (const std::string_view name : common_flags()) flags.push_back(find_flag(name));
  return flags;
}

/// "a|b" → "a b"
std::string words(std::string_view choices) {
  std::string out(choices);
  std::ranges::replace(out, '|', ' ');
  return out;
}

/// What may stand behind the command's name besides files and flags.
std::string sub_words(const Command& command) {
  if (command.name == "cache") return "stats warm prune compact verify export import clear";
  if (command.name == "models") return "ls show verify rm";
  if (command.name == "config") return "show";
  if (command.name == "completion") return "bash zsh fish";
  return {};
}

std::string command_names() {
  std::string out;
  for (const Command& command : all_commands()) out += std::string(command.name) + " ";
  return out + "help";
}

std::string for_bash() {
  std::string out =
      "_vecmill() {\n"
      "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
      "  local verb=${COMP_WORDS[1]} list=\n"
      "  if [ \"$COMP_CWORD\" = 1 ]; then\n"
      "    COMPREPLY=($(compgen -W '" +
      command_names() +
      "' -- \"$word\"))\n"
      "    return\n"
      "  fi\n"
      "  case $before in\n";
  for (const Flag& flag : all_flags()) {
    if (flag.kind != FlagKind::kChoice) continue;
    out += "    --" + std::string(flag.name) + ") COMPREPLY=($(compgen -W '" + words(flag.choices) +
           "' -- \"$word\")); return ;;\n";
  }
  out += "  esac\n  case $verb in\n";
  for (const Command& command : all_commands()) {
    out += "    " + std::string(command.name) + ") list='" + sub_words(command);
    for (const Flag* flag : flags_of(command)) out += " --" + std::string(flag->name);
    out += "' ;;\n";
  }
  return out +
         "  esac\n"
         "  COMPREPLY=($(compgen -W \"$list\" -- \"$word\"))\n"
         "  [[ $word == -* ]] || COMPREPLY+=($(compgen -f -- \"$word\"))\n"
         "}\n"
         "complete -o filenames -F _vecmill vecmill";
}

/// Text inside of '...' for zsh's _arguments.
std::string zsh_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      if (c == '[' || c == ']' || c == ':') out += '\\';
      out += c;
    }
  }
  return out;
}

std::string for_zsh() {
  std::string out = "#compdef vecmill\n_vecmill() {\n  if (( CURRENT == 2 )); then\n    compadd " +
                    command_names() + "\n    return\n  fi\n  case $words[2] in\n";
  for (const Command& command : all_commands()) {
    out += "    " + std::string(command.name) + ") _arguments";
    for (const Flag* flag : flags_of(command)) {
      out += " '--" + std::string(flag->name) + "[" + zsh_text(flag->help) + "]";
      if (flag->kind == FlagKind::kChoice) {
        out += ":" + std::string(flag->value) + ":(" + words(flag->choices) + ")";
      } else if (flag->kind != FlagKind::kSwitch) {
        out += ":" + std::string(flag->value) + ":_files";
      }
      out += "'";
    }
    const std::string sub = sub_words(command);
    out += sub.empty() ? " '*:file:_files'" : " '*:word:(" + sub + ")'";
    out += " ;;\n";
  }
  return out + "  esac\n}\ncompdef _vecmill vecmill";
}

std::string fish_text(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

std::string for_fish() {
  std::string out;
  for (const Command& command : all_commands()) {
    const std::string name(command.name);
    out += "complete -c vecmill -n __fish_use_subcommand -f -a " + name + " -d " +
           fish_text(command.summary) + "\n";
    const std::string here = "complete -c vecmill -n '__fish_seen_subcommand_from " + name + "' ";
    if (const std::string sub = sub_words(command); !sub.empty()) {
      out += here + "-f -a " + fish_text(sub) + "\n";
    }
    for (const Flag* flag : flags_of(command)) {
      out += here + "-l " + std::string(flag->name);
      if (flag->letter != 0) out += std::string(" -s ") + flag->letter;
      if (flag->kind == FlagKind::kChoice) out += " -x -a " + fish_text(words(flag->choices));
      if (flag->kind != FlagKind::kChoice && flag->kind != FlagKind::kSwitch) out += " -r";
      out += " -d " + fish_text(flag->help) + "\n";
    }
  }
  out.pop_back();
  return out;
}

}  // namespace

Result<ExitCode> run_completion(const Invocation& invocation) {
  const std::string shell = invocation.arguments.size() == 1 ? invocation.arguments[0] : "";
  std::string script;
  if (shell == "bash") script = for_bash();
  if (shell == "zsh") script = for_zsh();
  if (shell == "fish") script = for_fish();
  if (script.empty()) {
    constexpr std::string_view kShells[] = {"bash", "zsh", "fish"};
    return make_error(ErrorKind::kInvalidArgument, "completion: bash, zsh or fish", {},
                      shell.empty() ? "" : suggestion(shell, kShells));
  }
  VECMILL_TRY(print(script));
  return kExitOk;
}

}  // namespace vecmill::cli
