// The tables of results.hpp.
#include <algorithm>
#include <cmath>
#include <set>

#include "experiments/cli/findings.hpp"
#include "experiments/cli/results.hpp"
#include "experiments/cli/verdict.hpp"
#include "framework/analysis/robust.hpp"
#include "framework/analysis/significance.hpp"
#include "framework/core/errors.hpp"

namespace strata::cli {
namespace {

std::vector<std::string> networks_of(const std::vector<Cell>& cells) {
  std::vector<std::string> networks;
  for (const Cell& c : cells) {
    add_missing(networks, c.network);
  }
  return networks;
}

// Compared with backprop by at least two seeds, and not told from it.
bool open_to_more_seeds(const Cell& c) {
  return verdict(c.difference, c.p_holm) == Verdict::open && !std::isnan(c.p_holm);
}

std::string bootstrap_text(const BootstrapInterval& i) { return interval_text({quiet_nan, i.low, i.high, 0}, percent); }

}  // namespace

std::optional<int> seeds_to_tell(const std::vector<Cell>& cells, const Cell& cell) {
  if (!open_to_more_seeds(cell)) return std::nullopt;
  const auto family = std::count_if(cells.begin(), cells.end(),
                                    [&](const Cell& c) { return c.network == cell.network && open_to_more_seeds(c); });
  return strata::seeds_to_tell(cell.difference.mean, cell.difference_sd,
                               significance_level / static_cast<double>(family), 0.8, most_seeds);
}

std::string seeds_advice(const std::vector<Cell>& cells) {
  constexpr std::size_t few = 5;
  std::string text;
  const auto networks = networks_of(cells);
  for (const std::string& network : networks) {
    std::vector<std::string> rules, needed;
    int least = 0, most = 0;
    for (const Cell& c : cells) {
      if (c.network != network || !open_to_more_seeds(c)) continue;
      const auto n = seeds_to_tell(cells, c);
      rules.push_back(c.rule);
      needed.push_back(n ? cat("about ", *n) : cat("more than ", most_seeds));
      least = rules.size() == 1 ? c.difference.n : std::min(least, c.difference.n);
      most = std::max(most, c.difference.n);
    }
    if (rules.empty()) continue;
    const std::string seeds = cat(least == most ? "" : cat(least, " to "), most, " seeds");
    const std::string on = networks.size() > 1 ? cat(" on ", network) : "";
    if (rules.size() == 1) {
      text += cat(seeds, " cannot tell ", rules[0], " from backprop", on, "; ", needed[0], " would (80 % power)\n");
      continue;
    }
    std::vector<std::string> items;
    for (std::size_t i = 0; i < std::min(few, rules.size()); ++i) items.push_back(cat(rules[i], " ", needed[i]));
    if (rules.size() > few) items.push_back(cat("and ", rules.size() - few, " more rules"));
    text += cat(seeds, " cannot tell these from backprop", on, "; that would take (80 % power): ", join(items), "\n");
  }
  return text;
}

Table results_table(const std::vector<Cell>& cells, bool robust) {
  const bool several = networks_of(cells).size() > 1;
  const bool many = std::any_of(cells.begin(), cells.end(), [](const Cell& c) { return c.complete >= many_runs; });
  std::vector<std::string> header = {"rule"};
  if (several) header.emplace_back("network");
  header.emplace_back("runs");
  const std::size_t words = header.size();
  header.insert(header.end(), {"test %", "95 % interval", "vs backprop", "95 % interval", "p"});
  if (robust) header.emplace_back("P(above)");
  if (robust && many) header.insert(header.end(), {"IQM %", "95 % interval"});
  header.insert(header.end(), {"last epoch %", "seconds"});
  std::vector<std::vector<std::string>> rows;
  bool alone = false;
  for (const Cell& c : cells) {
    std::vector<std::string> row = {c.rule};
    if (several) row.push_back(c.network);
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
    row.push_back(p_text(c.p_holm));
    if (robust) row.push_back(decimal(c.improvement, 2));
    if (robust && many) row.insert(row.end(), {percent(c.iqm), bootstrap_text(c.iqm_interval)});
    row.push_back(percent(c.test_accuracy_last));
    row.push_back(decimal(c.seconds, 1));
    rows.push_back(std::move(row));
  }
  std::string text =
      "test %: test accuracy at the epoch of the best validation accuracy, mean over seeds; last epoch %: at the "
      "last one.\n"
      "vs backprop: difference in points on the same seeds. Intervals: Student's t over seeds. seconds: mean of a "
      "run.\n"
      "p: paired t-test of that difference, Holm's correction for all rules on the network; below 0.05 it is told from "
      "0.\n";
  if (robust) {
    text += "P(above): how often a run of the rule is above one of backprop, ties counted half.\n";
    if (many) text += "IQM %: mean without the lowest and the highest quarter of the runs, interval by bootstrap.\n";
  }
  if (alone) text += "One seed tells nothing of how sure this is: intervals need --seeds 2 or more.\n";
  text += seeds_advice(cells);
  for (const Cell& c : cells) {
    if (c.complete > 0 && c.complete < c.runs) {
      text += cat(c.rule, several ? " on " + c.network : "", ": ", c.runs - c.complete, " of ", c.runs,
                  " runs left out (", c.reason, ")\n");
    }
  }
  return {header, rows, words, text};
}

Table overall_table(const std::vector<Cell>& cells) {
  const std::size_t networks = networks_of(cells).size();
  std::vector<std::vector<std::string>> rows;
  std::set<std::string> seen;
  for (const Cell& first : cells) {
    if (networks < 2 || !seen.insert(first.rule).second) continue;
    std::vector<std::vector<double>> strata;
    std::vector<double> all, improvement;
    for (const Cell& c : cells) {
      if (c.rule != first.rule || c.complete < many_runs) continue;
      strata.push_back(c.accuracies);
      all.insert(all.end(), c.accuracies.begin(), c.accuracies.end());
      improvement.push_back(c.improvement);
    }
    if (strata.size() < networks) continue;
    rows.push_back({first.rule, std::to_string(all.size()), percent(interquartile_mean(all)),
                    bootstrap_text(iqm_bootstrap(strata)), decimal(mean(improvement), 2)});
  }
  return {{"over all networks", "runs", "IQM %", "95 % interval", "P(above)"},
          rows,
          1,
          "IQM %: mean of the middle half of all runs; its interval by the bootstrap, runs drawn anew within each "
          "network. P(above): the mean over networks.\n"};
}

}  // namespace strata::cli
