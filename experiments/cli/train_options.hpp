// Options that the commands which train share: run, compare and tune.
#pragma once

#include <string>
#include <vector>

#include "experiments/cli/plan.hpp"
#include "experiments/cli/runner.hpp"
#include "experiments/cli/values.hpp"

namespace strata::cli {

/// Where results go and how; `out`: the folder unless another is given; `weights`: with --save-weights.
std::vector<OptionDef> session_options(const std::string& out, bool weights);

OptionDef threads_option();
/// What --threads says: 1 or more. Throws UsageError.
int threads_of(const Values& values);

OptionDef rules_option();
OptionDef except_option();
OptionDef network_option();
OptionDef networks_option();

/// What --rules names and --except does not; what --network or --networks names: one or more. Throws UsageError.
std::vector<std::string> rules_of(const Program& program, const Values& values);
std::vector<std::string> networks_of(const Values& values);

/// What was typed, with what a shell would split in quotes: for the record.
std::string command_line(const std::string& command, const std::vector<std::string>& arguments);

/// What the session's options say. `command` and its arguments: for the record.
RunnerSettings runner_settings(const Values& values, const std::string& command,
                               const std::vector<std::string>& arguments);

}  // namespace strata::cli
