// Completion of the command line by shells: scripts made from the commands' own tables, so that they know what the
// program knows.
#pragma once

#include <string>

#include "experiments/cli/cli.hpp"

namespace strata::cli {

/// For bash, without other packages: defines a function `_strata` and registers it.
std::string bash_completion(const Program& program);

/// For zsh: a file `_strata` of a folder of its fpath; it can also be sourced after compinit.
std::string zsh_completion(const Program& program);

}  // namespace strata::cli
