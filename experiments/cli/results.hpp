// What a grid came to: a line for each rule on each network, as a table and as JSON. Whether a rule may be said to differ
// from backprop: verdict.hpp.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "experiments/cli/runner.hpp"
#include "experiments/cli/text.hpp"
#include "framework/analysis/bootstrap.hpp"
#include "framework/analysis/statistics.hpp"
#include "framework/io/summary.hpp"

namespace strata::cli {

/// A run in a comparison.
struct ResultRow {
  SummaryRow summary;  ///< status complete, diverged, failed, interrupted or unsupported
  std::string hash;    ///< of the configuration
  std::string reason;  ///< why not complete
};

/// One rule on one network over its seeds. Diverged and missing runs count for n alone.
struct Cell {
  std::string rule, network;
  int runs = 0, complete = 0, diverged = 0;
  std::vector<double> accuracies;  ///< test accuracy at the best epoch of each complete run
  Interval test_accuracy;          ///< their mean over seeds
  Interval difference;             ///< to the reference, backprop, on the same network, paired by seed
  double difference_sd = 0;
  double p = 0;       ///< of the difference: paired t-test over seeds
  double p_holm = 0;  ///< the same, corrected for all rules that are compared on that network
  /// How often a run of the rule is above one of the reference, whatever their seeds; NaN with one run of either.
  double improvement = 0;
  double iqm = 0;  ///< interquartile mean of accuracies; NaN for fewer than many_runs
  BootstrapInterval iqm_interval{0, 0};
  double test_accuracy_last = 0;  ///< mean
  double seconds = 0;             ///< mean over runs
  int epochs = 0;                 ///< the most of any run
  std::string reason;             ///< of an unsupported or wholly failed cell
};

/// Complete runs of a cell from which on an interquartile mean says something: fewer leave a quartile of one or two.
inline constexpr int many_runs = 10;

/// Rows of a grid, in its order; of stored runs, as they come.
std::vector<ResultRow> result_rows(const std::vector<RunResult>& results);
std::vector<ResultRow> result_rows(const std::vector<StoredRun>& runs);

/// Cells in the order of their first row, compared with the rule `reference`.
std::vector<Cell> cells_of(const std::vector<ResultRow>& rows, const std::string& reference = "backprop");

/// The 95 % interval of the interquartile mean of all runs, stratified by network (2,000 resamples, the same each time).
BootstrapInterval iqm_bootstrap(std::span<const std::vector<double>> networks);

/// The table for people. With `robust` it has the probability of improvement too, and interquartile means if any cell has
/// many_runs. Under it, what words may say: seeds_advice, and what was left out.
Table results_table(const std::vector<Cell>& cells, bool robust = false);

/// Each rule over all networks, if there are several and it has many_runs on each: the interquartile mean of all its runs
/// with its interval by the bootstrap stratified by network, and the mean over networks of its probability of improvement.
Table overall_table(const std::vector<Cell>& cells);

/// How many seeds would tell the rule from backprop with 80 % power, by the difference seen and at the level that Holm's
/// correction would hold it to: significance_level over the number of rules on the network that are not told from backprop
/// yet. nullopt if it is told already, is not compared, or more than `most_seeds` would be needed.
std::optional<int> seeds_to_tell(const std::vector<Cell>& cells, const Cell& cell);
inline constexpr int most_seeds = 1000;

/// A line for each network on which some rules cannot be told from backprop, naming them and the seeds that would.
std::string seeds_advice(const std::vector<Cell>& cells);

/// An array, a run an element: the names of summary.csv, and of its cell mean, ci_low, ci_high, diff_to_backprop,
/// diff_ci_low, diff_ci_high, p_to_backprop, p_holm, seeds_to_tell, probability_of_improvement, iqm, iqm_ci_low,
/// iqm_ci_high. What does not exist is null.
nlohmann::ordered_json to_json(const std::vector<ResultRow>& rows, const std::vector<Cell>& cells);

}  // namespace strata::cli
