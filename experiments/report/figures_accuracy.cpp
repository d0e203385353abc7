// How well rules train: learning curves, final accuracy, accuracy against time.
#include <algorithm>
#include <cmath>
#include <limits>

#include "experiments/cli/text.hpp"
#include "experiments/cli/verdict.hpp"
#include "experiments/report/figure.hpp"
#include "experiments/report/overlay.hpp"
#include "framework/core/errors.hpp"

namespace strata::report {
namespace {

using cli::AnalysedRuns;

double percent_of(double fraction) { return fraction * 100; }

int last_epoch(const Study& study) {
  int last = 0;
  for (const auto& run : study.runs) {
    if (!run.record.training.empty()) last = std::max(last, run.record.training.back().epoch);
  }
  return last;
}

// Of each series.
std::vector<RuleCurve> curves_of(const Study& study, const std::function<History(const AnalysedRuns&)>& curve) {
  std::vector<RuleCurve> curves;
  for (const AnalysedRuns& s : study.series) curves.push_back({s.rule, s.network, curve(s)});
  return curves;
}

}  // namespace

std::optional<Figure> learning_curves(const Study& study) {
  if (study.series.empty()) return std::nullopt;
  const int last = last_epoch(study);
  const int first = last >= 2 ? 1 : 0;  // the value before training would take up most of the picture
  const auto curve = [&](const AnalysedRuns& s) {
    return history(
        s, [](const EpochMetrics& e) { return percent_of(e.validation_accuracy); }, first);
  };
  const Overlay overlay = overlay_of(study, curves_of(study, curve));
  Svg svg = overlay_curves(overlay, "Validation accuracy by epoch", "epoch", true);
  std::string sentence = cat("Accuracy on the validation examples after each epoch",
                             first == 1 ? ", from the first on" : "", ": thick, the mean over ", seeds_text(study),
                             study.series.front().runs.size() > 1 ? "; thin, each seed; the band: " : "; ",
                             interval_note(study), ".", panels_note(overlay.groups.size(), overlay.all));
  return Figure{"learning-curves", "Learning curves", sentence, std::move(svg)};
}

std::optional<Figure> accuracy_by_time(const Study& study) {
  if (study.series.empty() || last_epoch(study) == 0) return std::nullopt;
  // x is the time of training up to each epoch, the mean over seeds.
  const auto curve = [](const AnalysedRuns& s) {
    History accuracy = history(
        s, [](const EpochMetrics& e) { return percent_of(e.validation_accuracy); }, 1);
    const History seconds = history(
        s, [](const EpochMetrics& e) { return std::isnan(e.train_seconds) ? 0 : e.train_seconds; }, 1);
    double sum = 0;
    for (std::size_t i = 0; i < accuracy.x.size(); ++i) accuracy.x[i] = sum += seconds.mean[i];
    accuracy.by_seed.clear();
    return accuracy;
  };
  const auto curves = curves_of(study, curve);
  Svg svg = overlay_curves(overlay_of(study, curves), "Validation accuracy by time of training", "seconds of training",
                           false);
  double least = std::numeric_limits<double>::infinity(), most = 0;
  for (const auto& [rule, network, h] : curves) {
    if (h.x.empty()) continue;
    least = std::min(least, h.x.back());
    most = std::max(most, h.x.back());
  }
  std::string sentence =
      cat("The same against the seconds that training took (without evaluation and analysis; runs beside each other on "
          "one machine slow each other down): a rule whose line lies further to the left learns in less time. The "
          "lines end "
          "after ",
          study.series.size() > 1 ? cat(cli::duration(least), " to ") : "", cli::duration(most), ".");
  return Figure{"accuracy-by-time", "Accuracy against time", sentence, std::move(svg)};
}

std::optional<Figure> final_accuracy(const Study& study) {
  std::vector<const cli::Cell*> cells;
  for (const cli::Cell& c : study.cells) {
    if (!std::isnan(c.test_accuracy.mean))
      cells.push_back(&c);  // NaN: trials of a search, which do not see the test set
  }
  if (cells.empty()) return std::nullopt;
  constexpr double row_height = 22, top = 26, label_width = 200, gap = 40;
  const bool compared =
      std::any_of(cells.begin(), cells.end(), [](auto* c) { return !std::isnan(c->difference.mean); });
  const auto rows = static_cast<double>(cells.size());
  const double plots = figure_width - label_width - 20;
  const double left_width = compared ? plots * 0.52 - gap : plots;
  Svg svg(figure_width, top + rows * row_height + 40, "Test accuracy of each rule with its interval");
  std::vector<double> accuracies, differences{0};
  for (const cli::Cell* c : cells) {
    for (const double v : {c->test_accuracy.mean, c->test_accuracy.low, c->test_accuracy.high})
      accuracies.push_back(percent_of(v));
    for (const double v : {c->difference.mean, c->difference.low, c->difference.high})
      differences.push_back(percent_of(v));
  }
  for (const auto& row : study.rows) {
    if (row.summary.status == "complete") accuracies.push_back(percent_of(row.summary.test_accuracy));
  }
  const Axis y{0, rows, false, ""};
  Axis x = axis_over(accuracies, "test accuracy at the best validation epoch, %");
  x.high = std::min(x.high, 100.0);
  Panel left(svg, {label_width, top, left_width, rows * row_height}, x, y, "Test accuracy", false);
  std::optional<Panel> right;
  if (compared) {
    right.emplace(svg, Box{label_width + left_width + gap, top, plots - left_width - gap, rows * row_height},
                  axis_over(differences, "points, on the same seeds"), y, "Difference to backprop", false);
    svg.line(right->x(0), top, right->x(0), top + rows * row_height, "zero");
  }
  std::size_t below = 0, above = 0, undecided = 0;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const cli::Cell& c = *cells[i];
    const double at = rows - static_cast<double>(i) - 0.5;
    const bool apart = c.rule == "backprop" || c.rule == "frozen" || !study.many_rules();
    const std::size_t colour = apart ? study.colour(c.rule) : 1;
    const std::string name = study.networks.size() == 1 ? c.rule : cat(c.rule, " on ", c.network);
    svg.text(label_width - 10, left.y(at) + 4, fitted(name, label_width - 14), "t", "end");
    const AnalysedRuns* series = study.find(c.rule, c.network);
    for (std::size_t r = 0; r < study.rows.size(); ++r) {
      const SummaryRow& s = study.rows[r].summary;
      if (series != nullptr && series->runs.size() > 1 && s.rule == c.rule && s.network == c.network &&
          s.status == "complete") {
        left.dot(percent_of(s.test_accuracy), at, cat("small f", colour),
                 cat("seed ", s.seed, ": ", cli::percent(s.test_accuracy), " %"), 2.5);
      }
    }
    left.horizontal(at, percent_of(c.test_accuracy.low), percent_of(c.test_accuracy.high), cat("whisker l", colour));
    left.dot(percent_of(c.test_accuracy.mean), at, cat("f", colour),
             cat(name, ": ", cli::percent(c.test_accuracy.mean), " %"), 4.5);
    if (right && !std::isnan(c.difference.mean)) {
      right->horizontal(at, percent_of(c.difference.low), percent_of(c.difference.high), cat("whisker l", colour));
      right->dot(percent_of(c.difference.mean), at, cat("f", colour),
                 cat(name, ": ", cli::signed_percent(c.difference.mean), " points"), 4.5);
      const cli::Verdict verdict = cli::verdict(c.difference, c.p_holm);
      ++(verdict == cli::Verdict::below ? below : verdict == cli::Verdict::above ? above : undecided);
    }
  }
  std::string sentence = cat("Test accuracy: large, the mean over ", seeds_text(study),
                             "; small, each seed; bars: ", interval_note(study), ".");
  if (compared) {
    sentence +=
        cat(" Right: the difference to backprop on the same network, paired by seed: of ", below + above + undecided,
            ", ", below, " lie below backprop and ", above, " above (p < 0.05 after Holm's correction), ", undecided,
            " cannot be told from it with these seeds.");
  }
  return Figure{"final-accuracy", "Final accuracy", sentence, std::move(svg)};
}

}  // namespace strata::report
