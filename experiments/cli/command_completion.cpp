// `strata completion`: prints the script for a shell.
#include <iostream>

#include "experiments/cli/commands.hpp"
#include "experiments/cli/completion.hpp"
#include "framework/core/errors.hpp"

namespace strata::cli {
namespace {

const std::vector<std::string> shells = {"bash", "zsh"};

int print_completion(const Program& program, const Arguments& arguments) {
  std::vector<std::string> words;
  parse_values({}, {}, arguments, &words);
  if (words.size() != 1) throw UsageError(cat("completion: expected one of: ", join(shells)));
  if (words[0] == "bash") {
    std::cout << bash_completion(program);
  } else if (words[0] == "zsh") {
    std::cout << zsh_completion(program);
  } else {
    throw UsageError(unknown_name("shell", words[0], shells));
  }
  return 0;
}

}  // namespace

Command completion_command() {
  return {
      .name = "completion",
      .summary = "print the script with which bash or zsh completes strata's command lines",
      .usage = join(shells, "|"),
      .about = {"Prints a script with which the shell completes commands, options, and their values where those can "
                "be listed: rules, data sets, names, files of the right kind. The examples show where bash (with its "
                "package bash-completion) and zsh (with ~/.zfunc in its fpath, ahead of compinit) look for it."},
      .groups = {},
      .words = {.names = shells},
      .one_word = true,
      .examples = {{"source <(strata completion bash)", "for this bash alone"},
                   {"strata completion bash > ~/.local/share/bash-completion/completions/strata"},
                   {"strata completion zsh > ~/.zfunc/_strata"}},
      .call = print_completion};
}

}  // namespace strata::cli
