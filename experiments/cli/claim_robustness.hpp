// Claim C5: nets that were trained by other rules than backprop are harder to fool; and what a rule's hierarchy of
// representations has to do with it.
#pragma once

#include <string>
#include <vector>

#include "experiments/cli/findings.hpp"

namespace strata::cli {

/// Each rule on each network in the worst case over all attacks beside backprop, after as many epochs and at as good as the same
/// clean accuracy; beside what attacks along the feedback path and carried-over examples leave; what a skip does to it; and
/// whether hierarchy and robustness go together, over rules and over the seeds of each.
std::string robustness_claim(const std::vector<AnalysedRuns>& analysed);

}  // namespace strata::cli
