// The finished runs of a folder, ordered and named as the report shows them.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "experiments/cli/cli.hpp"
#include "experiments/cli/findings.hpp"
#include "experiments/cli/results.hpp"
#include "experiments/cli/store.hpp"
#include "experiments/cli/tuning.hpp"

namespace strata::report {

/// What of a folder to look at; empty = everything.
struct Selection {
  std::vector<std::string> rules, networks;
};

struct Study {
  std::filesystem::path folder;
  std::vector<cli::StoredRun> runs;  ///< complete and diverged
  std::vector<cli::ResultRow> rows;  ///< of the runs, in their order
  std::vector<cli::Cell> cells;      ///< rule by rule in each network
  /// Complete runs of a cell, by seed, analysed or not; as cells, without the empty.
  std::vector<cli::AnalysedRuns> series;
  std::vector<std::string> rules, networks;  ///< names as in summary.h5: "rule@hash" and "network@dataset" where needed
  std::vector<cli::TunedCell> search;        ///< trials of a search that lies in the folder, or is the folder
  bool is_search = false;                    ///< the runs, or some of them, are those trials
  std::vector<std::string> complaints;       ///< files left out, and why
  std::vector<std::string> unfinished;       ///< files of runs under way or stopped

  const cli::AnalysedRuns* find(const std::string& rule, const std::string& network) const;
  /// More rules than colours: then a panel shows one, in one colour for all.
  bool many_rules() const;
  /// 0 … palette_size − 1 by a rule's place: backprop 0, frozen the last.
  std::size_t colour(const std::string& rule) const;
  /// Of what a panel shows of one rule.
  std::size_t panel_colour(const std::string& rule) const { return many_rules() ? 0 : colour(rule); }
};

/// `folder` is an output folder of strata, or holds run files itself. Throws UsageError if there is no finished run in it or
/// in the selection, or the selection names what is not there.
Study read_study(const cli::Program& program, const std::filesystem::path& folder, const Selection& selection);

/// "fa@1a2b3c4d" → "fa"
std::string plain_rule(const std::string& label);

/// The series with those of their runs whose analysis has that group ("" = any); without the empty.
std::vector<cli::AnalysedRuns> analysed_series(const Study& study, const std::string& group);
std::vector<const cli::AnalysedRuns*> pointers_to(const std::vector<cli::AnalysedRuns>& all);

/// A quantity by epoch over the seeds of a series.
struct History {
  std::vector<double> x;                     ///< epochs, or what stands in for them
  std::vector<std::vector<double>> by_seed;  ///< seed × epoch; NaN where absent
  std::vector<double> mean, low, high;       ///< over seeds; the interval is Student's t at 95 %
};
History history(const cli::AnalysedRuns& series, const std::function<double(const EpochMetrics&)>& value,
                int first_epoch = 0);

/// Seeds of the series with the fewest and the most, for sentences: "3 seeds", "1 to 5 seeds", "one seed".
std::string seeds_text(const Study& study);

/// "the 95 % interval …", or that one seed has none.
std::string interval_note(const Study& study);

}  // namespace strata::report
