#include "experiments/cli/claim_robustness.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>

#include "experiments/cli/claims.hpp"
#include "experiments/cli/findings_robustness.hpp"
#include "experiments/cli/verdict.hpp"
#include "framework/analysis/correlation.hpp"
#include "framework/analysis/significance.hpp"
#include "framework/core/errors.hpp"

namespace strata::cli {
namespace {

// Which of a run's snapshots is looked at.
using Pick = std::function<std::optional<AttackedNet>(const RunRecord&)>;

struct Setting {
  std::vector<AnalysedRuns> cells;
  std::size_t epsilon = 0;  // the radius that words are about, by number
};

Reading at(const Pick& pick, const std::function<double(const AttackedNet&)>& value) {
  return [=](const RunRecord& run) {
    const auto net = pick(run);
    return net ? value(*net) : quiet_nan;
  };
}

Reading worst_case(const Pick& pick, std::size_t epsilon) {
  return at(pick, [epsilon](const AttackedNet& net) { return net.worst(epsilon); });
}

Reading hierarchy(const Pick& pick, Scaling scaling) {
  return [=](const RunRecord& run) {
    const auto net = pick(run);
    const DataGroup* group = analysis_group(run, "hierarchy");
    if (!net || group == nullptr) return quiet_nan;
    const auto& epochs = std::get<std::vector<std::int32_t>>(group->axis("snapshot").labels);
    const auto here = std::find(epochs.begin(), epochs.end(), net->epoch());
    return here == epochs.end() ? quiet_nan
                                : prior_share_at(*group, static_cast<std::size_t>(here - epochs.begin()), scaling);
  };
}

// Of all weights together: √Σ ‖W_l‖².
Reading weight_norm(const Pick& pick) {
  return [=](const RunRecord& run) {
    const auto net = pick(run);
    if (!net) return quiet_nan;
    for (const LayerMetrics& row : run.layer_metrics) {
      if (row.epoch != net->epoch()) continue;
      double sum = 0;
      for (const double norm : row.weight_norm) sum += norm * norm;
      return std::sqrt(sum);
    }
    return quiet_nan;
  };
}

const AnalysedRuns* cell_of(const Setting& setting, const std::string& rule, const std::string& network) {
  for (const AnalysedRuns& c : setting.cells) {
    if (c.rule == rule && c.network == network) return &c;
  }
  return nullptr;
}

std::vector<std::string> networks_of(const Setting& setting) {
  std::vector<std::string> all;
  for (const AnalysedRuns& c : setting.cells) add_missing(all, c.network);
  return all;
}

// A cell's worst case beside another's, paired by seed; p as it is until a family is corrected.
struct Beside {
  const AnalysedRuns* cell;
  Interval difference;
  double p;
};

Beside beside(const AnalysedRuns& cell, const AnalysedRuns& other, const Reading& reading) {
  const auto [a, b] = pairs_by_seed(cell, reading, other, reading);
  return {&cell, paired_difference(a, b), paired_t_test(a, b)};
}

void correct(std::vector<Beside>& family) {
  std::vector<double> p;
  for (const Beside& b : family) p.push_back(b.p);
  p = holm(p);
  for (std::size_t i = 0; i < p.size(); ++i) family[i].p = p[i];
}

// Each network's rules beside its backprop; frozen is the baseline that no rule is meant to be.
std::vector<Beside> beside_backprop(const Setting& setting, const Pick& pick) {
  std::vector<Beside> all;
  for (const std::string& network : networks_of(setting)) {
    const AnalysedRuns* backprop = cell_of(setting, "backprop", network);
    if (backprop == nullptr) continue;
    std::vector<Beside> family;
    for (const AnalysedRuns& c : setting.cells) {
      if (c.network == network && &c != backprop)
        family.push_back(beside(c, *backprop, worst_case(pick, setting.epsilon)));
    }
    correct(family);
    all.insert(all.end(), family.begin(), family.end());
  }
  return all;
}

std::string says(const Beside& b) {
  switch (verdict(b.difference, b.p)) {
    case Verdict::above: return "harder";
    case Verdict::below: return "easier";
    case Verdict::open: return "open";
    case Verdict::none: break;
  }
  return "–";
}

std::string percent1(double share) { return decimal(100 * share, 1); }

std::string rules_table(const Setting& setting, const Pick& pick, const std::vector<Beside>& compared) {
  Table table{{"rule", "network", "epoch", "clean %", "worst %", "95 % interval", "vs backprop", "95 % interval", "p",
               "to fool", "gradient %", "feedback %", "transfer %", "queries %", "hierarchy", "raw", "weights"},
              {},
              2,
              ""};
  const std::size_t e = setting.epsilon;
  for (const AnalysedRuns& cell : setting.cells) {
    const auto average = [&](const Reading& reading) { return mean(readings(cell, reading)); };
    const auto along = [&](Path path) {
      return percent1(average(at(pick, [path, e](const AttackedNet& net) { return net.least(path, e); })));
    };
    const Interval worst = mean_interval(readings(cell, worst_case(pick, e)));
    if (worst.n == 0) continue;
    const auto found = std::find_if(compared.begin(), compared.end(), [&](const Beside& b) { return b.cell == &cell; });
    const bool alone = found == compared.end();
    table.rows.push_back(
        {cell.rule, cell.network, decimal(average(at(pick, [](const AttackedNet& n) { return double(n.epoch()); })), 1),
         percent1(average(at(pick, [](const AttackedNet& n) { return n.clean(); }))), percent1(worst.mean),
         interval_text(worst, percent1), alone ? "–" : signed_decimal(100 * found->difference.mean, 1),
         alone ? "–" : interval_text(found->difference, [](double v) { return signed_decimal(100 * v, 1); }),
         alone ? "–" : p_text(found->p), alone ? "–" : says(*found), along(Path::gradient), along(Path::feedback),
         along(Path::transfer), along(Path::query), decimal(average(hierarchy(pick, Scaling::scaled))),
         decimal(average(hierarchy(pick, Scaling::raw))), decimal(average(weight_norm(pick)), 1)});
  }
  return text_of(table);
}

std::string tally(const std::vector<Beside>& compared) {
  int harder = 0, easier = 0, open = 0;
  for (const Beside& b : compared) {
    if (b.cell->rule == "frozen") continue;
    const Verdict v = verdict(b.difference, b.p);
    harder += v == Verdict::above;
    easier += v == Verdict::below;
    open += v == Verdict::open;
  }
  return cat(harder, " harder to fool than backprop, ", easier, " easier, ", open, " not told from it");
}

std::string skips_table(const Setting& setting, const Pick& pick) {
  std::vector<Beside> family;
  for (const AnalysedRuns& plain : setting.cells) {
    if (const AnalysedRuns* skip = partner(setting.cells, plain)) {
      family.push_back(beside(*skip, plain, worst_case(pick, setting.epsilon)));
    }
  }
  if (family.empty()) return "";
  correct(family);
  Table table{{"rule", "network", "worst % − plain", "95 % interval", "p", "to fool"}, {}, 2, ""};
  for (const Beside& b : family) {
    table.rows.push_back({b.cell->rule, b.cell->network, signed_decimal(100 * b.difference.mean, 1),
                          interval_text(b.difference, [](double v) { return signed_decimal(100 * v, 1); }), p_text(b.p),
                          says(b)});
  }
  return cat("With skips − without, by seed, after the last epoch:\n\n", text_of(table));
}

// Hierarchy against the worst case: over the means of rules, the same without what accuracy and weights explain, and over seeds.
void add_correlations(Table& table, const Setting& setting, const std::string& network, const Pick& pick,
                      const std::string& moment) {
  for (const Scaling scaling : {Scaling::scaled, Scaling::raw}) {
    std::vector<double> h, worst, clean, norm, run_h, run_worst;
    std::vector<int> group;
    for (std::size_t c = 0; c < setting.cells.size(); ++c) {
      const AnalysedRuns& cell = setting.cells[c];
      if (cell.network != network) continue;
      const auto own_h = readings(cell, hierarchy(pick, scaling));
      const auto own_worst = readings(cell, worst_case(pick, setting.epsilon));
      h.push_back(mean(own_h));
      worst.push_back(mean(own_worst));
      clean.push_back(mean(readings(cell, at(pick, [](const AttackedNet& n) { return n.clean(); }))));
      norm.push_back(mean(readings(cell, weight_norm(pick))));
      run_h.insert(run_h.end(), own_h.begin(), own_h.end());
      run_worst.insert(run_worst.end(), own_worst.begin(), own_worst.end());
      group.insert(group.end(), own_h.size(), static_cast<int>(c));
    }
    const Interval all = rank_correlation(h, worst), partial = rank_correlation(h, worst, {clean, norm});
    const Interval within = within_group_correlation(run_h, run_worst, group);
    table.rows.push_back({network, moment, scaling == Scaling::scaled ? "scaled" : "raw", std::to_string(all.n),
                          signed_decimal(all.mean, 2), interval_decimal(all, 2), signed_decimal(partial.mean, 2),
                          interval_decimal(partial, 2), signed_decimal(within.mean, 2), interval_decimal(within, 2)});
  }
}

// The clean accuracy that all rules but frozen can be looked at: the lowest of theirs after training.
double common_accuracy(const Setting& setting) {
  double level = quiet_nan;
  for (const AnalysedRuns& cell : setting.cells) {
    if (cell.rule == "frozen") continue;
    level = std::fmin(level, mean(readings(cell, at(attacked_last, [](const AttackedNet& n) { return n.clean(); }))));
  }
  return level;
}

}  // namespace

std::string robustness_claim(const std::vector<AnalysedRuns>& analysed) {
  Setting s{attacked_alike(analysed), 0};
  if (s.cells.empty()) return "C5: undecided: no run was finished and attacked (--attacks)\n";
  const auto& epsilons = radii(*s.cells.front().runs.front());
  s.epsilon = epsilons.size() / 2;
  const double level = common_accuracy(s);
  const Pick last = attacked_last;
  const Pick matched = [level](const RunRecord& run) { return attacked_at(run, level); };
  const auto by_epochs = beside_backprop(s, last), by_accuracy = beside_backprop(s, matched);
  std::string text =
      cat("After the last epoch, at ε = ", epsilons[s.epsilon], ":\n\n", rules_table(s, last, by_epochs));
  if (!std::isnan(level)) {
    text += cat("At the snapshot whose clean accuracy is nearest to ", percent1(level),
                " %, the lowest of a rule's after training:\n\n", rules_table(s, matched, by_accuracy));
  }
  text += cat(
      "worst: what stays right under every attack. gradient, feedback, transfer, queries: under the strongest attack "
      "of each kind alone.\nhierarchy, raw: share of the strongest sources in the layer just before, scaled and as it "
      "is. "
      "weights: norm of all of them.\np: of the paired difference over seeds, corrected for all rules on the network "
      "(Holm); words at p < ",
      significance_level, ". One seed tells nothing.\n\n", skips_table(s, last));
  Table correlations{{"network", "at", "hierarchy", "rules", "rank correlation", "95 % interval", "partial",
                      "95 % interval", "within rules", "95 % interval"},
                     {},
                     3,
                     ""};
  for (const std::string& network : networks_of(s)) {
    add_correlations(correlations, s, network, last, "last epoch");
    if (!std::isnan(level)) add_correlations(correlations, s, network, matched, "same accuracy");
  }
  text +=
      cat("Hierarchy against the worst case:\n\n", text_of(correlations),
          "rank correlation: Spearman's, over the means of rules; partial: without what the ranks of clean accuracy "
          "and weight norm\nexplain. within rules: Pearson's over seeds, about each rule's mean. Null: 0.\n\n");
  if (by_epochs.empty()) return text + "C5: undecided: no rule was attacked beside backprop\n";
  text += cat("C5 after the last epoch: ", tally(by_epochs), ".\nC5 at the same accuracy: ", tally(by_accuracy), ".\n");
  return text;
}

}  // namespace strata::cli
