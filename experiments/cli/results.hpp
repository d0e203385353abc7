// What a grid came to: a line for each rule on each network, as a table and as JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "experiments/cli/runner.hpp"
#include "experiments/cli/text.hpp"
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
  Interval test_accuracy;         ///< at the best epoch, mean over seeds
  Interval difference;            ///< to backprop on the same network, paired by seed
  double test_accuracy_last = 0;  ///< mean
  double seconds = 0;             ///< mean over runs
  int epochs = 0;                 ///< the most of any run
  std::string reason;             ///< of an unsupported or wholly failed cell
};

/// Rows of a grid, in its order; of stored runs, as they come.
std::vector<ResultRow> result_rows(const std::vector<RunResult>& results);
std::vector<ResultRow> result_rows(const std::vector<StoredRun>& runs);

/// Cells in the order of their first row.
std::vector<Cell> cells_of(const std::vector<ResultRow>& rows);

/// The table for people.
Table results_table(const std::vector<Cell>& cells);

/// An array, a run an element: the names of summary.csv, and of its cell mean, ci_low, ci_high, diff_to_backprop,
/// diff_ci_low, diff_ci_high. What does not exist is null.
nlohmann::ordered_json to_json(const std::vector<ResultRow>& rows, const std::vector<Cell>& cells);

}  // namespace strata::cli
