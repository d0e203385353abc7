// Claim C6: rules other than backprop often fail to match it, even on data like MNIST.
#pragma once

#include <string>
#include <vector>

#include "experiments/cli/results.hpp"
#include "framework/io/run_record.hpp"

namespace strata::cli {

/// Validation accuracy that a rule's speed is measured by.
inline constexpr double speed_level = 0.85;
/// A difference whose 95 % interval lies within ± this counts as none that matters.
inline constexpr double accuracy_margin = 0.01;

/// How much training a run took to reach that validation accuracy, linear between epochs: no later than the epoch that
/// reached it, and no earlier than a curve that flattens. NaN if it never did.
struct Speed {
  double epochs, multiply_adds;
};
Speed speed_to(const RunRecord& run, double accuracy);

/// Each rule on each network beside backprop and beside frozen, how fast it learns, and from which depth on it is no longer
/// above frozen. `records`: of each row, null where the run is not complete.
std::string accuracy_claim(const std::vector<ResultRow>& rows, const std::vector<const RunRecord*>& records);

}  // namespace strata::cli
