// What attacks on the nets of a comparison came to (/robustness), gathered over seeds.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "experiments/cli/findings.hpp"
#include "framework/attacks/robustness.hpp"

namespace strata::cli {

/// A run's net at one snapshot under attack.
struct AttackedNet {
  const DataGroup* group;
  std::size_t snapshot;

  int epoch() const;
  double clean() const;
  double worst(std::size_t epsilon) const;
  /// What the strongest attack along that path leaves; NaN where none was made.
  double least(Path path, std::size_t epsilon) const;
  /// Names of the checks that failed.
  std::vector<std::string> failed() const;
};

/// At the last snapshot; nullopt if the run was not attacked.
std::optional<AttackedNet> attacked_last(const RunRecord& run);
/// At the snapshot, of those after training began, whose clean accuracy is nearest to `accuracy`; the earliest of several.
std::optional<AttackedNet> attacked_at(const RunRecord& run, double accuracy);

/// The runs that were attacked as the first of them was: norm, radii and examples. Without the empty cells.
std::vector<AnalysedRuns> attacked_alike(const std::vector<AnalysedRuns>& all);

/// The radii of the attacks.
const std::vector<double>& radii(const RunRecord& attacked);

/// The table after a comparison: what is right when clean and in the worst case, after training; and which checks failed.
/// No rows if nothing was attacked.
Table robustness_table(const std::vector<AnalysedRuns>& all);

}  // namespace strata::cli
