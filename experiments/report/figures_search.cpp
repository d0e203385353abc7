// What a search for hyper-parameters had found after each number of trials, and whether more would have helped.
#include <algorithm>
#include <cmath>

#include "experiments/cli/tune_options.hpp"
#include "experiments/report/figure.hpp"
#include "experiments/report/overlay.hpp"
#include "framework/analysis/search_curve.hpp"
#include "framework/core/errors.hpp"

namespace strata::report {
namespace {

// Of the trials that were trained, in percent. One that did not end well counts with nothing, whatever it had reached.
std::vector<double> scores_of(const cli::TunedCell& cell) {
  std::vector<double> scores;
  for (const cli::Trial& t : cell.trials) {
    if (t.status != "waiting") scores.push_back(t.status == "complete" ? 100 * t.score : quiet_nan);
  }
  return scores;
}

// More points than pixels make a large page and no other picture.
constexpr std::size_t most_points = 500;

History curve_of(const std::vector<double>& scores) {
  const SearchCurve curve = best_after_trials(scores);
  History h;
  const std::size_t step = 1 + scores.size() / most_points;
  for (std::size_t n = 1; n <= scores.size(); ++n) {
    if (n % step != 0 && n > 1 && n < scores.size()) continue;
    h.x.push_back(static_cast<double>(n));
    h.mean.push_back(curve.mean[n - 1]);
    h.low.push_back(curve.low[n - 1]);
    h.high.push_back(curve.high[n - 1]);
  }
  return h;
}

}  // namespace

std::optional<Figure> search_curves(const Study& study) {
  std::vector<RuleCurve> curves;
  bool stopped_early = false;
  std::size_t lost = 0;
  for (const cli::TunedCell& cell : study.search) {
    const auto scores = scores_of(cell);
    if (scores.empty()) continue;
    lost +=
        static_cast<std::size_t>(std::count_if(scores.begin(), scores.end(), [](double s) { return std::isnan(s); }));
    curves.push_back({cell.rule, cell.network, curve_of(scores)});
    stopped_early |= std::any_of(cell.trials.begin(), cell.trials.end(), [](auto& t) { return t.rung > 0; });
  }
  if (curves.empty()) return std::nullopt;
  const Overlay overlay = overlay_of(study, curves);
  Svg svg = overlay_curves(overlay, "Validation accuracy of the best after so many trials", "trials", true);
  std::string sentence =
      "Validation accuracy of the best of n trials, drawn from those of the search: the mean over all ways to draw "
      "them, and the band that holds 95 % of these (order statistics, without replacement). The band says how much "
      "luck "
      "with the order of trials matters: it closes where all are drawn, and knows nothing of trials that were not "
      "made.";
  if (lost > 0) {
    sentence +=
        cat(" ", lost, lost == 1 ? " trial that diverged or failed counts" : " trials that diverged or failed count",
            " as 0 %.");
  }
  // Halving trains few trials to the end, so that the best stands far above the rest and every line climbs.
  sentence +=
      stopped_early
          ? " Trials that successive halving stopped early count with what they had reached: the lines are a lower "
            "bound of what as many trials find that all train to the end, and climb to their own end whatever the "
            "budget. Whether more trials would help is to be seen with --method random."
          : " A line that still climbs at its end suggests that more trials would have found better; one that lies "
            "flat had enough.";
  sentence += panels_note(overlay.groups.size(), overlay.all);
  return Figure{"search", "Search for hyper-parameters", sentence, std::move(svg)};
}

cli::Table search_table(const Study& study) {
  std::vector<cli::Tuned> tuned;
  std::vector<std::vector<std::string>> without;
  for (const cli::TunedCell& cell : study.search) {
    if (cell.best < 0) {
      without.push_back({cell.rule, cell.network,
                         cat("no setting was chosen of ", cell.trials.size(),
                             " trials: the search is not at its end, a trial failed, or none ended well")});
      continue;
    }
    const cli::Trial& best = cell.trials[static_cast<std::size_t>(cell.best)];
    tuned.push_back({cell.rule, cell.network, "", best.options, best.number, static_cast<int>(cell.trials.size()),
                     best.score, cell.multiply_adds, cell.seconds});
  }
  cli::Table table = cli::tuned_table(tuned);
  table.rows.insert(table.rows.end(), without.begin(), without.end());
  return table;
}

}  // namespace strata::report
