// What the analysis found in the runs of a comparison, gathered over seeds.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "experiments/cli/text.hpp"
#include "framework/analysis/hierarchy.hpp"
#include "framework/analysis/statistics.hpp"
#include "framework/io/run_record.hpp"

namespace strata::cli {

/// The complete and analysed runs of one rule on one network, a seed each, in the order of seeds.
struct AnalysedRuns {
  std::string rule, network;
  std::vector<const RunRecord*> runs;
};

/// In the order of the first run of each. Runs that are not complete, or were not analysed, are left out; so is a seed's
/// second run of one rule on one network.
std::vector<AnalysedRuns> analysed_runs(const std::vector<const RunRecord*>& runs);

/// A group of a run's analysis by name, or null.
const DataGroup* analysis_group(const RunRecord& run, const std::string& name);

enum class Moment { first, last };  ///< snapshot

bool has_variable(const DataGroup& group, const std::string& variable);
/// An integer among the group's notes, such as k or skip_edges.
std::int32_t integer_note(const DataGroup& group, const std::string& note, std::int32_t fallback);

/// One number for each run; NaN where it has none.
using Reading = std::function<double(const RunRecord&)>;
std::vector<double> readings(const AnalysedRuns& of, const Reading& reading);

/// A variable of a group that has the axis `snapshot` alone.
Reading single_value(const std::string& group, const std::string& variable, Moment moment);

/// The share of the strongest sources that lies in the layer just before, by hidden sources alone: mean over the living targets
/// in layers that have sources in several layers. `suffix` as in the file: "", "_null_init", "_null_permuted", … `group` is
/// hierarchy, or hierarchy_channels.
Reading prior_share(Scaling scaling, Moment moment, const std::string& suffix = "",
                    const std::string& group = "hierarchy");

/// The same at one of the group's snapshots.
double prior_share_at(const DataGroup& hierarchy, std::size_t snapshot, Scaling scaling,
                      const std::string& suffix = "");

/// The share of the strongest sources of the last hidden layer's neurons that lies in the first hidden layer. `measure`
/// is topk_fraction or topk_fraction_mediated.
Reading first_layer_share(const std::string& measure, Scaling scaling, Moment moment, const std::string& suffix = "",
                          const std::string& group = "hierarchy");

/// Readings of a and of b over the seeds that both have, in a's order.
struct SeedPairs {
  std::vector<double> a, b;
};
SeedPairs pairs_by_seed(const AnalysedRuns& a, const Reading& of_a, const AnalysedRuns& b, const Reading& of_b);

/// a − b by seed over the seeds that both have.
Interval paired_by_seed(const AnalysedRuns& a, const Reading& of_a, const AnalysedRuns& b, const Reading& of_b);

/// The table after a comparison: the share in the layer just before, in two scalings, beside what it was before training.
/// No rows if nothing was analysed.
Table hierarchy_table(const std::vector<AnalysedRuns>& all);

/// "[0.100, 0.200]", each end as `show` has it; "–" with one seed.
std::string interval_text(const Interval& interval, const std::function<std::string(double)>& show);
std::string interval_decimal(const Interval& interval, int digits = 3);

}  // namespace strata::cli
