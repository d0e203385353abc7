// Where a neuron's strongest sources lie, and how alike layers are.
#include <algorithm>
#include <cmath>

#include "experiments/cli/text.hpp"
#include "experiments/report/figure.hpp"
#include "framework/core/errors.hpp"

namespace strata::report {
namespace {

using cli::AnalysedRuns;

// Share of the k strongest sources by distance, scaled, hidden sources alone: over the living targets of layers that have
// sources at two distances or more, so that the layer just before is a finding and not the only choice.
std::vector<double> share_by_distance(const RunRecord& run, const std::string& variable) {
  const DataGroup* g = cli::analysis_group(run, "hierarchy");
  if (g == nullptr || !cli::has_variable(*g, variable)) return {};
  const std::size_t s = g->axis("snapshot").size() - 1, layers = g->axis("layer").size(),
                    distances = g->axis("distance").size(), scaled = static_cast<std::size_t>(Scaling::scaled);
  const auto& targets = g->integers("targets");
  std::vector<double> sum(distances, 0);
  double neurons = 0;
  for (std::size_t l = 0; l < layers; ++l) {
    const double prior = g->at("prior_fraction_null_layer_size", {s, scaled, 0, l});
    if (!(prior < 1) || std::isnan(g->at(variable, {s, scaled, 0, l, 0}))) continue;
    const double weight = targets[s * layers + l];
    neurons += weight;
    for (std::size_t d = 0; d < distances; ++d) {
      const double share = g->at(variable, {s, scaled, 0, l, d});
      if (std::isfinite(share)) sum[d] += weight * share;
    }
  }
  if (neurons == 0) return {};
  for (double& v : sum) v /= neurons;
  return sum;
}

// By distance, over seeds.
std::vector<Interval> shares_over_seeds(const AnalysedRuns& series, const std::string& variable) {
  std::vector<std::vector<double>> by_distance;
  for (const RunRecord* run : series.runs) {
    const auto shares = share_by_distance(*run, variable);
    by_distance.resize(std::max(by_distance.size(), shares.size()));
    for (std::size_t d = 0; d < shares.size(); ++d) by_distance[d].push_back(shares[d]);
  }
  std::vector<Interval> found;
  for (const auto& values : by_distance) found.push_back(mean_interval(values));
  return found;
}

int sources_asked(const Study& study) {
  for (const auto& run : study.runs) {
    const DataGroup* g = cli::analysis_group(run.record, "hierarchy");
    if (g != nullptr) return cli::integer_note(*g, "k", 5);
  }
  return 5;
}

}  // namespace

std::optional<Figure> distances_of_sources(const Study& study) {
  auto analysed = analysed_series(study, "hierarchy");
  std::erase_if(analysed, [](const AnalysedRuns& a) { return shares_over_seeds(a, "topk_fraction").empty(); });
  if (analysed.empty()) return std::nullopt;
  std::size_t farthest = 0;
  double highest = 0;
  bool permuted = false;
  for (const AnalysedRuns& a : analysed) {
    for (const char* variable : {"topk_fraction", "topk_fraction_null_init"}) {
      const auto shares = shares_over_seeds(a, variable);
      for (std::size_t d = 0; d < shares.size(); ++d) {
        if (shares[d].mean > 0) farthest = std::max(farthest, d + 1);
        highest = std::max({highest, shares[d].mean, std::isnan(shares[d].high) ? 0 : shares[d].high});
      }
    }
    permuted = permuted || !shares_over_seeds(a, "topk_fraction_null_permuted").empty();
  }
  std::vector<LegendItem> items{{after_training(study), "f0 bar"},
                                {"null: before training", "null"},
                                {"null: drawn at random among the candidates", "nulldash"}};
  if (permuted) items.push_back({"null: weights permuted", "nulldot"});
  const PanelGrid grid(study, pointers_to(analysed), 130, legend_height(figure_width - 60, items) + 4);
  Svg svg(figure_width, grid.height(), "Where the strongest sources of a neuron lie");
  legend(svg, 52, 0, figure_width - 60, items);
  const Axis x{0.4, static_cast<double>(farthest) + 0.6, false, "layers before the neuron", true};
  const Axis y{0, std::min(1.0, highest * 1.05), false, "share"};
  for (const PanelGrid::Cell& cell : grid.cells()) {
    Panel panel(svg, cell.box, x, y, cell.title);
    const std::size_t colour = study.panel_colour(cell.series->rule);
    const auto trained = shares_over_seeds(*cell.series, "topk_fraction");
    const auto init = shares_over_seeds(*cell.series, "topk_fraction_null_init");
    const auto size = shares_over_seeds(*cell.series, "topk_fraction_null_layer_size");
    const auto shuffled = shares_over_seeds(*cell.series, "topk_fraction_null_permuted");
    for (std::size_t d = 0; d < std::min(farthest, trained.size()); ++d) {
      const double at = static_cast<double>(d + 1), half = panel.x(at + 0.36) - panel.x(at);
      const double top = panel.y(trained[d].mean);
      svg.rectangle(panel.x(at) - half, top, 2 * half, cell.box.y + cell.box.h - top, cat("bar f", colour),
                    cat(d + 1, d == 0 ? " layer" : " layers", " before: ", cli::decimal(trained[d].mean), " ",
                        cli::interval_decimal(trained[d])));
      panel.vertical(at, trained[d].low, trained[d].high, cat("whisker l", colour));
      const auto mark = [&](const std::vector<Interval>& null, const char* look) {
        if (d < null.size() && std::isfinite(null[d].mean)) {
          svg.line(panel.x(at) - half, panel.y(null[d].mean), panel.x(at) + half, panel.y(null[d].mean), look);
        }
      };
      mark(size, "nulldash");
      mark(init, "null");
      if (d < shuffled.size()) panel.dot(at, shuffled[d].mean, "nulldot", "weights permuted", 3);
    }
  }
  // The finding, for the first rule.
  const AnalysedRuns& first = analysed.front();
  const auto reading = cli::prior_share(Scaling::scaled, cli::Moment::last);
  const Interval share = mean_interval(cli::readings(first, reading));
  const Interval change =
      cli::paired_by_seed(first, reading, first, cli::prior_share(Scaling::scaled, cli::Moment::last, "_null_init"));
  std::string sentence = cat(
      "How far before a neuron its ", sources_asked(study),
      " strongest sources lie (influence scaled by the spread of source and target, hidden sources alone, mean over "
      "the "
      "neurons that have a choice). Bars beyond the solid mark are what training added; the dashed one is what the "
      "sizes "
      "of layers alone would give. Under ",
      series_name(study, first), " ", cli::percent(share.mean), " % lie in the layer just before, ",
      cli::signed_percent(change.mean), " points since before training",
      std::isnan(change.low) ? "" : cat(" ", cli::interval_text(change, cli::signed_percent)), ".");
  return Figure{"distance-of-sources", "Distance of the strongest sources", sentence + grid.note(), std::move(svg)};
}

std::optional<Figure> layer_similarity(const Study& study) {
  auto analysed = analysed_series(study, "similarity");
  if (analysed.empty()) return std::nullopt;
  std::vector<std::vector<double>> means(analysed.size());
  for (std::size_t i = 0; i < analysed.size(); ++i) {
    const DataGroup& g = *cli::analysis_group(*analysed[i].runs.front(), "similarity");
    const std::size_t n = g.axis("layer").size();
    for (std::size_t a = 0; a < n * n; ++a) {
      std::vector<double> values;
      for (const RunRecord* run : analysed[i].runs) {
        const DataGroup& h = *cli::analysis_group(*run, "similarity");
        if (h.axis("layer").size() != n) continue;
        values.push_back(h.at("cka", {h.axis("snapshot").size() - 1, a / n, a % n}));
      }
      means[i].push_back(mean(values));
    }
  }
  const auto pointers = pointers_to(analysed);
  const double side = std::min(200.0, figure_width / static_cast<double>(PanelGrid::columns(pointers)) - 80);
  const PanelGrid grid(study, pointers, side, 24, 10, 60);
  Svg svg(figure_width, grid.height(), "Similarity between layers (CKA)");
  colour_bar(svg, 60, 0, "0", "1", "CKA");
  for (const PanelGrid::Cell& cell : grid.cells()) {
    const auto i = static_cast<std::size_t>(cell.series - analysed.data());
    const auto& names = std::get<std::vector<std::string>>(
        cli::analysis_group(*cell.series->runs.front(), "similarity")->axis("layer").labels);
    const std::size_t n = names.size();
    const double h = side / static_cast<double>(n);
    const double x0 = cell.box.x, y0 = cell.box.y;
    svg.text(x0, y0 - 7, fitted(cell.title, cell.box.w), "h");
    const auto step = std::max<std::size_t>(1, static_cast<std::size_t>(std::ceil(13 / h)));
    LabelRow labels(svg, y0 + side + 14, 5);
    for (std::size_t a = 0; a < n; ++a) {
      const double at = h * static_cast<double>(a);
      if (a % step == 0) svg.text(x0 - 5, y0 + at + h / 2 + 4, fitted(names[a], 52, 11), "s", "end");
      const double middle = x0 + at + h / 2;
      if (middle + text_width(names[a], 11) / 2 <= x0 + side + 24) labels.add(middle, names[a]);
      for (std::size_t b = 0; b < n; ++b) {
        const double value = means[i][a * n + b];
        svg.rectangle(x0 + h * static_cast<double>(b), y0 + at, h + 0.3, h + 0.3, {},
                      cat(names[a], ", ", names[b], ": ", cli::decimal(value, 2)), heat_colour(value));
        if (h >= 26) {
          svg.text(x0 + h * (static_cast<double>(b) + 0.5), y0 + at + h / 2 + 4, cli::decimal(value, 2),
                   heat_is_dark(value) ? "s w" : "s k", "middle");
        }
      }
    }
  }
  return Figure{"layer-similarity", "Similarity of layers",
                cat("Debiased linear CKA between the layers' activations after training, mean over ", seeds_text(study),
                    ": 1 where two layers say the same up to a rotation, 0 where they have nothing in common. Layers "
                    "that build on "
                    "each other fade away from the diagonal; a light block is a stretch of layers that change nothing.",
                    grid.note()),
                std::move(svg)};
}

}  // namespace strata::report
