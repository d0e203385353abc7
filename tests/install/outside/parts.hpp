// What this project adds to Strata.
#pragma once

#include "experiments/cli/cli.hpp"

namespace outside {

strata::RuleEntry noisy_feedback();
strata::LayerEntry softsign();
strata::DatasetEntry rings();

/// All that Strata brings, and the three above.
strata::cli::Program program();

}  // namespace outside
