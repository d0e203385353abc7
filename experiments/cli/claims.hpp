// What a comparison says about a claim of the article that the project examines (experiments/README.md): effect,
// interval over seeds, null, and a verdict in words.
//
//   c1   the gradient by activations decays exponentially with the distance from the output: an exponential fits better
//        than a power law, r² > 0.9, and the rate's interval over seeds lies above 0
//   c2   skip connections undo that: of the networks NAME and NAME_skip, the rate is smaller with skips, and the two
//        intervals do not meet
//   c3a  the strongest sources of a neuron lie preferentially in the layer just before: the raw share above layer size;
//        and the scaled share above its value before training and above the null with permuted weights
//   c3b  a skip from the first layer brings it among the strongest sources of the last: its share at the last hidden
//        layer rises from NAME to NAME_skip, by seed; and by ways that use no skip
//   c5   nets trained by other rules than backprop are harder to fool (claim_robustness.hpp)
//   c6   other rules fail to match backprop's accuracy (claim_accuracy.hpp)
#pragma once

#include <string>
#include <vector>

#include "experiments/cli/findings.hpp"
#include "experiments/cli/results.hpp"

namespace strata::cli {

const std::vector<std::string>& claim_names();

/// Whether a network is called NAME_skip.
bool has_skips(const std::string& network);

/// The same rule on the network NAME_skip, where `plain` is on NAME; null if it is not there.
const AnalysedRuns* partner(const std::vector<AnalysedRuns>& all, const AnalysedRuns& plain);

/// Throws UsageError on an unknown claim, naming the known ones.
void check_claim(const std::string& claim);

struct ClaimRuns {
  std::vector<AnalysedRuns> analysed;
  std::vector<ResultRow> rows = {};
  std::vector<const RunRecord*> records = {};  ///< of each row; null where the run is not complete
  std::vector<std::string> unsupported = {};   ///< lines on what could not be trained, and why
};

/// The claim's table and its verdict.
std::string claim_text(const std::string& claim, const ClaimRuns& runs);

}  // namespace strata::cli
