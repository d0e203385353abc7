#include "experiments/cli/results.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "experiments/cli/findings.hpp"
#include "experiments/cli/text.hpp"
#include "framework/core/errors.hpp"

namespace strata::cli {
namespace {

bool complete(const ResultRow& row) { return row.summary.status == "complete"; }

nlohmann::ordered_json or_null(double value) {
  return std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json(nullptr);
}

}  // namespace

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

std::vector<Cell> cells_of(const std::vector<ResultRow>& rows) {
  std::vector<Cell> cells;
  std::map<std::string, std::map<int, double>> backprop;  // network → seed → accuracy
  for (const ResultRow& row : rows) {
    const SummaryRow& s = row.summary;
    if (s.rule == "backprop" && complete(row)) backprop[s.network][s.seed] = s.test_accuracy;
  }
  for (const ResultRow& first : rows) {
    const SummaryRow& f = first.summary;
    const auto same = [&](const Cell& c) { return c.rule == f.rule && c.network == f.network; };
    if (std::any_of(cells.begin(), cells.end(), same)) continue;
    Cell cell;
    cell.rule = f.rule;
    cell.network = f.network;
    std::vector<double> accuracy, reference, last, seconds;
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
      accuracy.push_back(s.test_accuracy);
      last.push_back(s.test_accuracy_last);
      seconds.push_back(s.seconds);
      const auto& of_network = backprop[s.network];
      const auto found = of_network.find(s.seed);
      reference.push_back(found == of_network.end() ? quiet_nan : found->second);
    }
    cell.test_accuracy = mean_interval(accuracy);
    cell.difference =
        f.rule == "backprop" ? Interval{quiet_nan, quiet_nan, quiet_nan, 0} : paired_difference(accuracy, reference);
    cell.test_accuracy_last = mean(last);
    cell.seconds = mean(seconds);
    cells.push_back(std::move(cell));
  }
  return cells;
}

Table results_table(const std::vector<Cell>& cells) {
  std::set<std::string> networks;
  for (const Cell& c : cells) networks.insert(c.network);
  std::vector<std::string> header = {"rule",        "runs",          "test %",       "95 % interval",
                                     "vs backprop", "95 % interval", "last epoch %", "seconds"};
  if (networks.size() > 1) header.insert(header.begin() + 1, "network");
  std::vector<std::vector<std::string>> rows;
  bool alone = false;
  for (const Cell& c : cells) {
    std::vector<std::string> row = {c.rule};
    if (networks.size() > 1) row.push_back(c.network);
    if (c.complete == 0) {
      row.push_back(c.reason);
      rows.push_back(std::move(row));
      continue;
    }
    alone = alone || c.complete == 1;
    row.push_back(c.complete == c.runs ? std::to_string(c.runs) : cat(c.complete, " of ", c.runs));
    row.push_back(percent(c.test_accuracy.mean));
    row.push_back(interval_text(c.test_accuracy, percent));
    row.push_back(signed_percent(c.difference.mean));
    row.push_back(interval_text(c.difference, signed_percent));
    row.push_back(percent(c.test_accuracy_last));
    row.push_back(decimal(c.seconds, 1));
    rows.push_back(std::move(row));
  }
  std::string text =
      "test %: test accuracy at the epoch of the best validation accuracy, mean over seeds; last epoch %: at the "
      "last one.\n"
      "vs backprop: difference in points on the same seeds. Intervals: Student's t over seeds. seconds: mean of a "
      "run.\n";
  if (alone) text += "One seed tells nothing of how sure this is: intervals need --seeds 2 or more.\n";
  for (const Cell& c : cells) {
    if (c.complete > 0 && c.complete < c.runs) {
      text += cat(c.rule, networks.size() > 1 ? " on " + c.network : "", ": ", c.runs - c.complete, " of ", c.runs,
                  " runs left out (", c.reason, ")\n");
    }
  }
  return {header, rows, header.size() - 6, text};
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
         {"diff_ci_high", or_null(c.difference.high)}});
  }
  return all;
}

}  // namespace strata::cli
