// The commands of the program. Each takes its arguments, prints results to stdout and returns the exit code; what goes
// wrong is thrown.
#pragma once

#include <string>
#include <vector>

#include "experiments/cli/cli.hpp"
#include "experiments/cli/values.hpp"

namespace strata::cli {

using Arguments = std::vector<std::string>;

int run_command(const Program& program, const Arguments& arguments);
int compare_command(const Program& program, const Arguments& arguments);
int collect_command(const Program& program, const Arguments& arguments);
int attribute_command(const Program& program, const Arguments& arguments);
int report_command(const Program& program, const Arguments& arguments);
int list_command(const Program& program, const Arguments& arguments);
int validate_command(const Program& program, const Arguments& arguments);
int help_command(const Program& program, const Arguments& arguments);

/// The options of `run` and of `compare`.
std::vector<OptionDef> run_options();
std::vector<OptionDef> compare_options();
std::vector<OptionDef> collect_options();
std::vector<OptionDef> attribute_options();
std::vector<OptionDef> report_options();
std::vector<OptionDef> list_options();

struct Command {
  std::string name, summary;
  int (*call)(const Program&, const Arguments&);
};
/// In the order of the help.
const std::vector<Command>& commands();

/// What `strata help TOPIC` prints; TOPIC is a command or a rule, or "" for the overview. Throws UsageError otherwise.
std::string help_text(const Program& program, const std::string& topic);

}  // namespace strata::cli
