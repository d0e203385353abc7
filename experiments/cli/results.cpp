#include "experiments/cli/results.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "framework/analysis/robust.hpp"
#include "framework/analysis/significance.hpp"
#include "framework/core/errors.hpp"

namespace strata::cli {
namespace {

bool complete(const ResultRow& row) { return row.summary.status == "complete"; }

nlohmann::ordered_json or_null(double value) {
  return std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json(nullptr);
}

nlohmann::ordered_json or_null(std::optional<int> value) {
  return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json(nullptr);
}

// `reference`: that rule's accuracy for the seed of each of the cell's accuracies, NaN where there is none.
void compare(Cell& cell, const std::vector<double>& reference) {
  std::vector<double> difference(reference.size());
  for (std::size_t i = 0; i < difference.size(); ++i) difference[i] = cell.accuracies[i] - reference[i];
  cell.difference = mean_interval(difference);
  cell.difference_sd = sample_sd(difference);
  cell.p = paired_t_test(cell.accuracies, reference);
}

void summarize_many(Cell& cell) {
  cell.iqm = quiet_nan;
  cell.iqm_interval = {quiet_nan, quiet_nan};
  if (cell.complete < many_runs) return;
  cell.iqm = interquartile_mean(cell.accuracies);
  cell.iqm_interval = iqm_bootstrap({&cell.accuracies, 1});
}

// A network's rules are one family of tests.
void compare_families(std::vector<Cell>& cells, const std::string& reference) {
  std::map<std::string, std::vector<std::size_t>> networks;
  for (std::size_t c = 0; c < cells.size(); ++c) networks[cells[c].network].push_back(c);
  for (const auto& [network, members] : networks) {
    std::vector<double> p;
    const Cell* other = nullptr;
    for (const std::size_t c : members) {
      p.push_back(cells[c].p);
      if (cells[c].rule == reference) other = &cells[c];
    }
    const std::vector<double> corrected = holm(p);
    for (std::size_t i = 0; i < members.size(); ++i) {
      Cell& cell = cells[members[i]];
      cell.p_holm = corrected[i];
      const bool both = other != nullptr && &cell != other && cell.complete > 1 && other->complete > 1;
      cell.improvement = both ? probability_of_improvement(cell.accuracies, other->accuracies) : quiet_nan;
    }
  }
}

}  // namespace

BootstrapInterval iqm_bootstrap(std::span<const std::vector<double>> networks) {
  return stratified_bootstrap(networks, interquartile_mean, Rng(0, "interquartile mean"), 2000);
}

std::vector<ResultRow> result_rows(const std::vector<RunResult>& results) {
  using Outcome = RunResult::Outcome;
  std::vector<ResultRow> rows;
  for (const RunResult& r : results) {
    ResultRow row;
    if (r.outcome == Outcome::complete || r.outcome == Outcome::diverged) {
      row.summary = summary_row(r.record, cat("runs/", r.plan->stem(), ".h5"));
    } else {
      row.summary = {r.plan->rule,
                     r.plan->network,
                     r.plan->config.at("dataset").at("name"),
                     r.plan->seed,
                     r.outcome == Outcome::unsupported ? "unsupported"
                     : r.outcome == Outcome::failed    ? "failed"
                                                       : "interrupted",
                     0,
                     -1,
                     quiet_nan,
                     quiet_nan,
                     quiet_nan,
                     quiet_nan,
                     quiet_nan,
                     ""};
    }
    row.hash = r.plan->hash;
    row.reason = r.message;
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<ResultRow> result_rows(const std::vector<StoredRun>& runs) {
  std::vector<ResultRow> rows;
  for (const StoredRun& run : runs) {
    rows.push_back({summary_row(run.record, run.file), run.record.hash, run.record.status_detail});
  }
  // A rule with several configurations on one network and seed is told apart by hash, as in summary.h5.
  std::map<std::tuple<std::string, std::string, std::string, int>, int> count;
  std::set<std::tuple<std::string, std::string, std::string>> several;
  for (ResultRow& row : rows) {
    auto& s = row.summary;
    if (++count[{s.rule, s.network, s.dataset, s.seed}] > 1) several.insert({s.rule, s.network, s.dataset});
  }
  std::set<std::string> datasets;
  for (const ResultRow& row : rows) datasets.insert(row.summary.dataset);
  for (ResultRow& row : rows) {
    auto& s = row.summary;
    if (several.contains({s.rule, s.network, s.dataset})) s.rule += "@" + row.hash;
    if (datasets.size() > 1) s.network += "@" + s.dataset;
  }
  return rows;
}

std::vector<Cell> cells_of(const std::vector<ResultRow>& rows, const std::string& reference) {
  std::vector<Cell> cells;
  std::map<std::string, std::map<int, double>> others;  // of the reference: network → seed → accuracy
  for (const ResultRow& row : rows) {
    const SummaryRow& s = row.summary;
    if (s.rule == reference && complete(row)) others[s.network][s.seed] = s.test_accuracy;
  }
  for (const ResultRow& first : rows) {
    const SummaryRow& f = first.summary;
    const auto same = [&](const Cell& c) { return c.rule == f.rule && c.network == f.network; };
    if (std::any_of(cells.begin(), cells.end(), same)) continue;
    Cell cell;
    cell.rule = f.rule;
    cell.network = f.network;
    std::vector<double> paired, last, seconds;
    for (const ResultRow& row : rows) {
      const SummaryRow& s = row.summary;
      if (s.rule != f.rule || s.network != f.network) continue;
      ++cell.runs;
      cell.complete += complete(row);
      cell.diverged += s.status == "diverged";
      cell.epochs = std::max(cell.epochs, s.epochs);
      if (!complete(row)) {
        if (cell.reason.empty()) cell.reason = cat(s.status, ": ", row.reason);
        continue;
      }
      cell.accuracies.push_back(s.test_accuracy);
      last.push_back(s.test_accuracy_last);
      seconds.push_back(s.seconds);
      const auto& of_network = others[s.network];
      const auto found = of_network.find(s.seed);
      paired.push_back(f.rule == reference || found == of_network.end() ? quiet_nan : found->second);
    }
    cell.test_accuracy = mean_interval(cell.accuracies);
    cell.test_accuracy_last = mean(last);
    cell.seconds = mean(seconds);
    compare(cell, paired);
    summarize_many(cell);
    cells.push_back(std::move(cell));
  }
  compare_families(cells, reference);
  return cells;
}

nlohmann::ordered_json to_json(const std::vector<ResultRow>& rows, const std::vector<Cell>& cells) {
  auto all = nlohmann::ordered_json::array();
  for (const ResultRow& row : rows) {
    const SummaryRow& s = row.summary;
    const Cell& c = *std::find_if(cells.begin(), cells.end(),
                                  [&](const Cell& cell) { return cell.rule == s.rule && cell.network == s.network; });
    all.push_back(
        {{"rule", s.rule},
         {"network", s.network},
         {"dataset", s.dataset},
         {"seed", s.seed},
         {"status", s.status},
         {"epochs", s.epochs},
         {"best_epoch", s.best_epoch < 0 ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(s.best_epoch)},
         {"train_loss", or_null(s.train_loss)},
         {"val_accuracy", or_null(s.val_accuracy)},
         {"test_accuracy", or_null(s.test_accuracy)},
         {"test_accuracy_last", or_null(s.test_accuracy_last)},
         {"seconds", or_null(s.seconds)},
         {"file", s.file.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(s.file)},
         {"reason", row.reason},
         {"mean", or_null(c.test_accuracy.mean)},
         {"ci_low", or_null(c.test_accuracy.low)},
         {"ci_high", or_null(c.test_accuracy.high)},
         {"diff_to_backprop", or_null(c.difference.mean)},
         {"diff_ci_low", or_null(c.difference.low)},
         {"diff_ci_high", or_null(c.difference.high)},
         {"p_to_backprop", or_null(c.p)},
         {"p_holm", or_null(c.p_holm)},
         {"seeds_to_tell", or_null(seeds_to_tell(cells, c))},
         {"probability_of_improvement", or_null(c.improvement)},
         {"iqm", or_null(c.iqm)},
         {"iqm_ci_low", or_null(c.iqm_interval.low)},
         {"iqm_ci_high", or_null(c.iqm_interval.high)}});
  }
  return all;
}

}  // namespace strata::cli
