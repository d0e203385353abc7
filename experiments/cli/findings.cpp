#include "experiments/cli/findings.hpp"

#include <algorithm>
#include <cmath>

#include "experiments/cli/text.hpp"
#include "framework/core/errors.hpp"

namespace strata::cli {
namespace {

std::size_t snapshot_index(const DataGroup& group, Moment moment) {
  return moment == Moment::first ? 0 : group.axis("snapshot").size() - 1;
}

}  // namespace

bool has_variable(const DataGroup& group, const std::string& variable) {
  return std::any_of(group.arrays.begin(), group.arrays.end(), [&](const DataArray& a) { return a.name == variable; });
}

std::int32_t integer_note(const DataGroup& group, const std::string& note, std::int32_t fallback) {
  for (const auto& [name, value] : group.notes) {
    if (name == note && std::holds_alternative<std::int32_t>(value)) return std::get<std::int32_t>(value);
  }
  return fallback;
}

const DataGroup* analysis_group(const RunRecord& run, const std::string& name) {
  for (const DataGroup& group : run.analysis) {
    if (group.name == name) return &group;
  }
  return nullptr;
}

std::vector<AnalysedRuns> analysed_runs(const std::vector<const RunRecord*>& runs) {
  std::vector<AnalysedRuns> all;
  for (const RunRecord* run : runs) {
    if (run->status != "complete" || run->analysis.empty()) continue;
    auto cell = std::find_if(all.begin(), all.end(),
                             [&](const AnalysedRuns& c) { return c.rule == run->rule && c.network == run->network; });
    if (cell == all.end()) cell = all.insert(all.end(), {run->rule, run->network, {}});
    const auto same_seed = [&](const RunRecord* r) { return r->seed == run->seed; };
    if (std::none_of(cell->runs.begin(), cell->runs.end(), same_seed)) cell->runs.push_back(run);
  }
  for (AnalysedRuns& cell : all) {
    std::sort(cell.runs.begin(), cell.runs.end(), [](auto* a, auto* b) { return a->seed < b->seed; });
  }
  return all;
}

std::vector<double> readings(const AnalysedRuns& of, const Reading& reading) {
  std::vector<double> values;
  for (const RunRecord* run : of.runs) values.push_back(reading(*run));
  return values;
}

Reading single_value(const std::string& group, const std::string& variable, Moment moment) {
  return [=](const RunRecord& run) {
    const DataGroup* g = analysis_group(run, group);
    return g == nullptr ? quiet_nan : g->at(variable, {snapshot_index(*g, moment)});
  };
}

Reading prior_share(Scaling scaling, Moment moment, const std::string& suffix, const std::string& group) {
  return [=](const RunRecord& run) {
    const DataGroup* g = analysis_group(run, group);
    return g == nullptr ? quiet_nan : prior_share_at(*g, snapshot_index(*g, moment), scaling, suffix);
  };
}

double prior_share_at(const DataGroup& g, std::size_t s, Scaling scaling, const std::string& suffix) {
  if (!has_variable(g, "prior_fraction" + suffix)) return quiet_nan;
  const auto by = static_cast<std::size_t>(scaling);
  const auto& targets = g.integers("targets");
  const std::size_t layers = g.axis("layer").size();
  double sum = 0, neurons = 0;
  for (std::size_t l = 0; l < layers; ++l) {
    const double share = g.at("prior_fraction" + suffix, {s, by, 0, l});
    const bool several = g.at("prior_fraction_null_layer_size", {s, by, 0, l}) < 1;
    if (!several || std::isnan(share)) continue;
    sum += share * targets[s * layers + l];
    neurons += targets[s * layers + l];
  }
  return neurons > 0 ? sum / neurons : quiet_nan;
}

Reading first_layer_share(const std::string& measure, Scaling scaling, Moment moment, const std::string& suffix,
                          const std::string& group) {
  return [=](const RunRecord& run) {
    const DataGroup* g = analysis_group(run, group);
    if (g == nullptr || !has_variable(*g, measure + suffix)) return quiet_nan;
    const auto& depth = g->integers("depth");
    if (depth.size() < 3) return quiet_nan;  // no hidden layer before the last hidden one
    const std::size_t target = depth.size() - 2;
    const auto distance = static_cast<std::size_t>(depth[target] - depth[0]);
    return g->at(measure + suffix,
                 {snapshot_index(*g, moment), static_cast<std::size_t>(scaling), 0, target, distance - 1});
  };
}

SeedPairs pairs_by_seed(const AnalysedRuns& a, const Reading& of_a, const AnalysedRuns& b, const Reading& of_b) {
  SeedPairs pairs;
  for (const RunRecord* x : a.runs) {
    for (const RunRecord* y : b.runs) {
      if (x->seed != y->seed) continue;
      pairs.a.push_back(of_a(*x));
      pairs.b.push_back(of_b(*y));
    }
  }
  return pairs;
}

Interval paired_by_seed(const AnalysedRuns& a, const Reading& of_a, const AnalysedRuns& b, const Reading& of_b) {
  const SeedPairs pairs = pairs_by_seed(a, of_a, b, of_b);
  return paired_difference(pairs.a, pairs.b);
}

std::string interval_text(const Interval& i, const std::function<std::string(double)>& show) {
  return std::isnan(i.low) ? "–" : cat("[", show(i.low), ", ", show(i.high), "]");
}

std::string interval_decimal(const Interval& i, int digits) {
  return interval_text(i, [&](double v) { return decimal(v, digits); });
}

Table hierarchy_table(const std::vector<AnalysedRuns>& all) {
  const bool several = std::any_of(all.begin(), all.end(), [&](auto& c) { return c.network != all.front().network; });
  std::vector<std::string> header{"rule"};
  if (several) header.emplace_back("network");
  for (const char* scaling : {"scaled", "raw"}) {
    header.insert(header.end(), {scaling, "95 % interval", "change", "95 % interval"});
  }
  header.emplace_back("by size");
  std::vector<std::vector<std::string>> rows;
  for (const AnalysedRuns& cell : all) {
    std::vector<std::string> row{cell.rule};
    if (several) row.push_back(cell.network);
    bool found = false;
    for (const Scaling scaling : {Scaling::scaled, Scaling::raw}) {
      const Reading share = prior_share(scaling, Moment::last);
      const Interval i = mean_interval(readings(cell, share));
      const Interval change = paired_by_seed(cell, share, cell, prior_share(scaling, Moment::last, "_null_init"));
      row.insert(row.end(),
                 {decimal(i.mean), interval_decimal(i), signed_decimal(change.mean), interval_decimal(change)});
      found = found || i.n > 0;
    }
    row.push_back(decimal(mean(readings(cell, prior_share(Scaling::raw, Moment::last, "_null_layer_size")))));
    if (found) rows.push_back(std::move(row));
  }
  return {
      header, rows, several ? 2U : 1U,
      "Hierarchy: share of a neuron's strongest sources that lie in the layer just before it, hidden sources alone, "
      "mean over\nneurons. scaled: influence × sd of source / sd of target; raw: as it is, mostly the size of weights. "
      "change:\nsince before training, by seed. by size: drawn at random among the candidates.\n"};
}

}  // namespace strata::cli
