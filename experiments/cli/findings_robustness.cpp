#include "experiments/cli/findings_robustness.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "experiments/cli/attack_plan.hpp"
#include "framework/core/errors.hpp"

namespace strata::cli {
namespace {

using Names = std::vector<std::string>;

const Names& names_of(const DataGroup& group, const char* axis) { return std::get<Names>(group.axis(axis).labels); }

std::string note_text(const DataGroup& group, const std::string& note) {
  for (const auto& [name, value] : group.notes) {
    if (name == note && std::holds_alternative<std::string>(value)) return std::get<std::string>(value);
  }
  return "";
}

bool alike(const DataGroup& a, const DataGroup& b) {
  return note_text(a, "norm") == note_text(b, "norm") && a.axis("epsilon").labels == b.axis("epsilon").labels &&
         integer_note(a, "examples", 0) == integer_note(b, "examples", 0);
}

const DataGroup& robustness_of(const RunRecord& run) { return *analysis_group(run, "robustness"); }

}  // namespace

int AttackedNet::epoch() const { return std::get<std::vector<std::int32_t>>(group->axis("snapshot").labels)[snapshot]; }
double AttackedNet::clean() const { return group->at("clean", {snapshot}); }
double AttackedNet::worst(std::size_t epsilon) const { return group->at("worst", {snapshot, epsilon}); }

double AttackedNet::least(Path path, std::size_t epsilon) const {
  const Names& names = names_of(*group, "attack");
  double least = quiet_nan;
  for (std::size_t a = 0; a < names.size(); ++a) {
    if (path_of(names[a]) != path) continue;
    least = std::fmin(least, group->at("accuracy", {snapshot, a, epsilon}));
  }
  return least;
}

Names AttackedNet::failed() const {
  const Names& checks = names_of(*group, "check");
  const auto& passed = group->integers("passed");
  Names failed;
  for (std::size_t c = 0; c < checks.size(); ++c) {
    if (passed[snapshot * checks.size() + c] == 0) failed.push_back(checks[c]);
  }
  return failed;
}

std::optional<AttackedNet> attacked_last(const RunRecord& run) {
  const DataGroup* group = analysis_group(run, "robustness");
  if (group == nullptr) return std::nullopt;
  return AttackedNet{group, group->axis("snapshot").size() - 1};
}

std::optional<AttackedNet> attacked_at(const RunRecord& run, double accuracy) {
  const DataGroup* group = analysis_group(run, "robustness");
  if (group == nullptr) return std::nullopt;
  std::optional<AttackedNet> nearest;
  for (std::size_t s = 0; s < group->axis("snapshot").size(); ++s) {
    const AttackedNet here{group, s};
    if (here.epoch() == 0) continue;
    if (!nearest || std::abs(here.clean() - accuracy) < std::abs(nearest->clean() - accuracy)) nearest = here;
  }
  return nearest;
}

std::vector<AnalysedRuns> attacked_alike(const std::vector<AnalysedRuns>& all) {
  const DataGroup* first = nullptr;
  std::vector<AnalysedRuns> found;
  for (const AnalysedRuns& cell : all) {
    AnalysedRuns kept{cell.rule, cell.network, {}};
    for (const RunRecord* run : cell.runs) {
      const DataGroup* group = analysis_group(*run, "robustness");
      if (group == nullptr) continue;
      if (first == nullptr) first = group;
      if (alike(*first, *group)) kept.runs.push_back(run);
    }
    if (!kept.runs.empty()) found.push_back(std::move(kept));
  }
  return found;
}

const std::vector<double>& radii(const RunRecord& attacked) {
  return std::get<std::vector<double>>(robustness_of(attacked).axis("epsilon").labels);
}

Table robustness_table(const std::vector<AnalysedRuns>& all) {
  const auto cells = attacked_alike(all);
  if (cells.empty()) return {};
  const DataGroup& group = robustness_of(*cells.front().runs.front());
  const auto& epsilons = radii(*cells.front().runs.front());
  const bool several = std::any_of(cells.begin(), cells.end(), [&](auto& c) { return c.network != cells[0].network; });
  Table table{{"rule"}, {}, several ? 2U : 1U, ""};
  if (several) table.header.emplace_back("network");
  table.header.emplace_back("clean %");
  for (const double e : epsilons) {
    if (e == 0) continue;
    table.header.insert(table.header.end(), {cat("ε = ", e), "95 % interval"});
  }
  Names failures;
  for (const AnalysedRuns& cell : cells) {
    Names row{cell.rule};
    if (several) row.push_back(cell.network);
    const auto reading = [&](auto value) {
      return readings(cell, [&](const RunRecord& run) { return 100 * value(*attacked_last(run)); });
    };
    row.push_back(decimal(mean(reading([](const AttackedNet& net) { return net.clean(); })), 1));
    for (std::size_t e = 0; e < epsilons.size(); ++e) {
      if (epsilons[e] == 0) continue;
      const Interval i = mean_interval(reading([&](const AttackedNet& net) { return net.worst(e); }));
      row.insert(row.end(), {decimal(i.mean, 1), interval_decimal(i, 1)});
    }
    table.rows.push_back(std::move(row));
    std::map<std::string, int> failed;
    for (const RunRecord* run : cell.runs) {
      for (const std::string& check : attacked_last(*run)->failed()) ++failed[check];
    }
    for (const auto& [check, runs] : failed) {
      failures.push_back(cat(cell.rule, several ? " on " + cell.network : "", ", in ", runs, " of ", cell.runs.size(),
                             " runs: ", check));
    }
  }
  table.note =
      cat("Under attack: share of ", integer_note(group, "examples", 0),
          " validation examples that stay right after training, in %, in the worst case over all attacks within ε (",
          note_text(group, "norm"), ").\n");
  if (failures.empty()) table.note += "The checks of these figures passed in all runs.\n";
  for (const std::string& line : failures) table.note += cat("Check FAILED for ", line, "\n");
  return table;
}

}  // namespace strata::cli
