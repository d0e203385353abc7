#include "experiments/cli/claim_accuracy.hpp"

#include <algorithm>
#include <functional>
#include <map>

#include "experiments/cli/claims.hpp"
#include "experiments/cli/findings.hpp"
#include "experiments/cli/verdict.hpp"
#include "framework/analysis/significance.hpp"
#include "framework/core/errors.hpp"

namespace strata::cli {
namespace {

// A rule on a network: beside backprop, beside frozen, and how fast.
struct Contest {
  const Cell* backprop;
  const Cell* frozen;
  int depth = 0;                                           // hidden layers
  std::vector<double> first_epoch, epochs, multiply_adds;  // by complete run; NaN where the level was not reached
};

int hidden_layers(const RunRecord& run) {
  return run.layer_depth.empty() ? 0 : *std::max_element(run.layer_depth.begin(), run.layer_depth.end()) - 1;
}

double after_first_epoch(const RunRecord& run) {
  for (const EpochMetrics& e : run.training) {
    if (e.epoch == 1) return e.validation_accuracy;
  }
  return quiet_nan;
}

std::vector<Contest> contests_of(const std::vector<Cell>& beside_backprop, const std::vector<Cell>& beside_frozen,
                                 const std::vector<ResultRow>& rows, const std::vector<const RunRecord*>& records) {
  std::vector<Contest> all;
  for (std::size_t c = 0; c < beside_backprop.size(); ++c) {
    const Cell& cell = beside_backprop[c];
    if (cell.complete == 0) continue;
    Contest contest{&cell, &beside_frozen[c], 0, {}, {}, {}};
    for (std::size_t r = 0; r < rows.size(); ++r) {
      if (records[r] == nullptr || rows[r].summary.rule != cell.rule || rows[r].summary.network != cell.network)
        continue;
      const Speed speed = speed_to(*records[r], speed_level);
      contest.depth = hidden_layers(*records[r]);
      contest.first_epoch.push_back(after_first_epoch(*records[r]));
      contest.epochs.push_back(speed.epochs);
      contest.multiply_adds.push_back(speed.multiply_adds);
    }
    all.push_back(std::move(contest));
  }
  return all;
}

// "1.43"; "1.43 (4 of 5)" if only so many runs got there; "–" if none did.
std::string mean_of_those(const std::vector<double>& values, const std::function<std::string(double)>& show) {
  const auto there = without_nan(values);
  if (there.empty()) return "–";
  const std::string text = show(mean(there));
  return there.size() == values.size() ? text : cat(text, " (", there.size(), " of ", values.size(), ")");
}

bool within_margin(const Interval& difference) {
  return difference.low > -accuracy_margin && difference.high < accuracy_margin;
}

std::string in_words(const Cell& cell) {
  switch (verdict(cell.difference, cell.p_holm)) {
    case Verdict::none: return "–";
    case Verdict::below: return "below";
    case Verdict::above: return "above";
    case Verdict::open: return "open";
  }
  return "";
}

std::string with_margin(const Cell& cell) {
  if (!within_margin(cell.difference)) return in_words(cell);
  const bool open = verdict(cell.difference, cell.p_holm) == Verdict::open;
  return cat(open ? "" : in_words(cell) + ", ", "within 1 point");
}

std::string contest_table(const std::vector<Contest>& contests) {
  Table table{{"rule", "network", "test %", "vs backprop", "95 % interval", "p", "beside backprop", "vs frozen", "p",
               "beside frozen", "epoch 1 %", "epochs to 85 %", "multiply-adds to 85 %"},
              {},
              2,
              ""};
  for (const Contest& c : contests) {
    const Cell& b = *c.backprop;
    const Cell& f = *c.frozen;
    table.rows.push_back({b.rule, b.network, percent(b.test_accuracy.mean), signed_percent(b.difference.mean),
                          interval_text(b.difference, signed_percent), p_text(b.p_holm), with_margin(b),
                          signed_percent(f.difference.mean), p_text(f.p_holm), in_words(f),
                          percent(mean(c.first_epoch)), mean_of_those(c.epochs, [](double v) { return decimal(v, 2); }),
                          mean_of_those(c.multiply_adds, [](double v) { return scientific(v); })});
  }
  return text_of(table);
}

// How a rule stands beside frozen on a net: above it; told to be no better, since it is below or at most the margin above;
// or not told from it.
enum class Standing { above, no_better, open };

Standing standing_of(const Cell& cell) {
  switch (verdict(cell.difference, cell.p_holm)) {
    case Verdict::above: return Standing::above;
    case Verdict::below: return Standing::no_better;
    default: return cell.difference.high < accuracy_margin ? Standing::no_better : Standing::open;
  }
}

// The depth from which on the rule is no better than frozen: "8"; "3 or 8" if 3 is open; "open" if no depth tells.
std::string stop_of(const std::map<int, Standing>& by_depth) {
  std::string stop, maybe;
  for (const auto& [depth, standing] : by_depth) {
    if (standing == Standing::above) stop = maybe = "";
    else if (standing == Standing::open && stop.empty()) maybe += cat(depth, " or ");
    else if (standing == Standing::no_better && stop.empty()) stop = cat(maybe, depth);
  }
  if (!stop.empty()) return stop;
  return maybe.empty() ? "–" : "open";
}

std::string depth_table(const std::vector<Contest>& contests) {
  std::vector<std::pair<std::string, bool>> order;  // rule, with skips
  std::map<std::pair<std::string, bool>, std::map<int, Standing>> lines;
  for (const Contest& c : contests) {
    if (verdict(c.frozen->difference, c.frozen->p_holm) == Verdict::none) continue;
    const std::pair<std::string, bool> key{c.frozen->rule, has_skips(c.frozen->network)};
    if (!lines.contains(key)) order.push_back(key);
    lines[key][c.depth] = standing_of(*c.frozen);
  }
  Table table{
      {"rule", "nets", "above frozen with so many hidden layers", "no better", "not told", "stops at"}, {}, 2, ""};
  for (const auto& key : order) {
    std::map<Standing, std::string> where;
    for (const auto& [depth, standing] : lines[key]) where[standing] += cat(where[standing].empty() ? "" : ", ", depth);
    const auto depths = [&](Standing s) { return where[s].empty() ? "–" : where[s]; };
    table.rows.push_back({key.first, key.second ? "with skips" : "plain", depths(Standing::above),
                          depths(Standing::no_better), depths(Standing::open), stop_of(lines[key])});
  }
  return text_of(table);
}

std::string tally_of(const std::vector<const Cell*>& cells) {
  int below = 0, above = 0, open = 0, close = 0;
  for (const Cell* c : cells) {
    const Verdict v = verdict(c->difference, c->p_holm);
    below += v == Verdict::below;
    above += v == Verdict::above;
    open += v == Verdict::open;
    close += v != Verdict::none && within_margin(c->difference);
  }
  return cat(below, " below backprop, ", above, " above it, ", open, " not told from it; ", close, " within 1 point");
}

}  // namespace

Speed speed_to(const RunRecord& run, double accuracy) {
  Speed spent{0, 0};
  double before = quiet_nan;
  for (const EpochMetrics& e : run.training) {
    const double now = e.validation_accuracy;
    const double cost = e.epoch == 0 ? 0 : e.train_multiply_adds;
    if (now >= accuracy) {
      const double share = e.epoch == 0 || !(before < accuracy) ? 1 : (accuracy - before) / (now - before);
      return {std::max(0.0, e.epoch - 1 + share), spent.multiply_adds + share * cost};
    }
    spent.multiply_adds += cost;
    before = now;
  }
  return {quiet_nan, quiet_nan};
}

std::string accuracy_claim(const std::vector<ResultRow>& rows, const std::vector<const RunRecord*>& records) {
  const auto to_backprop = cells_of(rows), to_frozen = cells_of(rows, "frozen");
  const auto contests = contests_of(to_backprop, to_frozen, rows, records);
  std::map<std::string, std::vector<const Cell*>> by_network;
  std::vector<std::string> networks;
  std::vector<const Cell*> all;
  for (const Contest& c : contests) {
    const Cell& cell = *c.backprop;
    const bool alternative = cell.rule != "backprop" && cell.rule != "frozen";
    if (!alternative || verdict(cell.difference, cell.p_holm) == Verdict::none) continue;
    if (!by_network.contains(cell.network)) networks.push_back(cell.network);
    by_network[cell.network].push_back(&cell);
    all.push_back(&cell);
  }
  if (all.empty()) return "C6: undecided: no rule was trained beside backprop with a seed that both have\n";
  std::string text = contest_table(contests);
  text += cat(
      "\np: of the paired difference over seeds, corrected for all rules on the network (Holm); above and below are "
      "said at p < ",
      significance_level, ".\nepochs, multiply-adds: of training, to a validation accuracy of ", percent(speed_level),
      " %, linear between epochs, mean over seeds.\n\n", depth_table(contests),
      "\nno better: below frozen, whose hidden layers do not learn, or less than 1 point above it; stops at: hidden "
      "layers from which on that holds.\n\nC6, rules other than backprop and frozen: ",
      all.size(), " cases: ", tally_of(all), ".\n");
  if (networks.size() > 1) {
    for (const std::string& network : networks) {
      text += cat("  ", network, ": ", by_network[network].size(), " cases: ", tally_of(by_network[network]), "\n");
    }
  }
  return text;
}

}  // namespace strata::cli
