// The commands of the program. A command is a value that says all there is to say about it; the help, the man page and
// the completions of shells are made from it. A new one is a source that defines `Command NAME_command()`, declared
// here and listed in commands().
#pragma once

#include <string>
#include <vector>

#include "experiments/cli/cli.hpp"
#include "experiments/cli/values.hpp"

namespace strata::cli {

using Arguments = std::vector<std::string>;

struct Example {
  std::string line;       ///< "strata run --rule fa"
  std::string text = {};  ///< what it is for, in a few words
};

struct Command {
  std::string name;
  std::string summary;              ///< one line
  std::string usage;                ///< what follows the name: "FILE [OPTIONS]"
  std::vector<std::string> about;   ///< paragraphs; `code` in backticks
  std::vector<OptionGroup> groups;  ///< options; groups that commands share are told once in the man page
  bool rule_options = false;        ///< takes "--RULE.OPTION" besides
  Known words = {};                 ///< what its words can be, if it takes any
  bool one_word = false;            ///< no more than one
  std::vector<Example> examples = {};
  std::vector<std::string> see = {};  ///< topics of the help
  /// Takes the arguments after the name, prints results to stdout and returns the exit code; what goes wrong is thrown.
  int (*call)(const Program&, const Arguments&) = nullptr;
};

Command run_command();
Command compare_command();
Command tune_command();
Command collect_command();
Command report_command();
Command attribute_command();
Command attack_command();
Command export_command();
Command import_command();
Command list_command();
Command validate_command();
Command completion_command();
Command help_command();

/// In the order of the help.
const std::vector<Command>& commands();

}  // namespace strata::cli
