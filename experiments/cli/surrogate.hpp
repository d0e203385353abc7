// The net on which adversarial examples are made that are carried over to others (`--surrogate`, `--attack-surrogate`).
#pragma once

#include <string>

#include "experiments/cli/plan.hpp"
#include "experiments/cli/trained_net.hpp"

namespace strata::cli {

/// Throws UsageError, naming both, unless the surrogate, of that file, takes the inputs of `network`.
void check_surrogate(const TrainedNet& surrogate, const std::string& file, const Shape& input,
                     const std::string& network);

/// Has all runs of a plan that are attacked carry over examples from the run that --attack-surrogate names: their configuration,
/// and so their hash, names it. Throws UsageError: it is needed and not given, or of other inputs; and as TrainedNet.
void attack_by_surrogate(const Program& program, const Values& values, Plan& plan);

}  // namespace strata::cli
