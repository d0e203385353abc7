// What depth does: the gradient from layer to layer, over training, and the angle to backprop's.
#include <algorithm>
#include <cmath>
#include <map>

#include "experiments/cli/text.hpp"
#include "experiments/report/figure.hpp"
#include "framework/analysis/fit.hpp"
#include "framework/core/errors.hpp"

namespace strata::report {
namespace {

using cli::AnalysedRuns;
using cli::Moment;

std::vector<const AnalysedRuns*> series_with(const Study& study, const std::function<bool(const AnalysedRuns&)>& has) {
  std::vector<const AnalysedRuns*> found;
  for (const AnalysedRuns& s : study.series) {
    if (has(s)) found.push_back(&s);
  }
  return found;
}

// A measure of layers by epoch: for each layer its values over the seeds.
using ByEpoch = std::map<int, std::vector<std::vector<double>>>;
ByEpoch by_epoch(const AnalysedRuns& series, std::vector<double> LayerMetrics::*measure) {
  const std::size_t layers = series.runs.front()->layers.size();
  ByEpoch found;
  for (const RunRecord* run : series.runs) {
    for (const LayerMetrics& row : run->layer_metrics) {
      auto& of_epoch = found.try_emplace(row.epoch, layers).first->second;
      const std::vector<double>& values = row.*measure;
      for (std::size_t l = 0; l < std::min(layers, values.size()); ++l) of_epoch[l].push_back(values[l]);
    }
  }
  return found;
}

// log mean |∂L/∂a| by distance from the output over the hidden layers, a mean and an interval over seeds.
struct DepthProfile {
  std::vector<double> distance, value, low, high;  // value: geometric mean
};

DepthProfile depth_profile(const AnalysedRuns& series, Moment moment) {
  std::map<int, std::vector<double>> by_distance;
  for (const RunRecord* run : series.runs) {
    const DataGroup* g = cli::analysis_group(*run, "gradient");
    if (g == nullptr) continue;
    const auto& distance = g->integers("distance_to_output");
    const std::size_t s = moment == Moment::first ? 0 : g->axis("snapshot").size() - 1;
    for (std::size_t l = 0; l < distance.size(); ++l) {
      if (distance[l] > 0) by_distance[distance[l]].push_back(std::log(g->at("mean_abs", {s, l})));
    }
  }
  DepthProfile p;
  for (const auto& [distance, logs] : by_distance) {
    std::vector<double> finite;
    for (const double v : logs) finite.push_back(std::isfinite(v) ? v : quiet_nan);
    const Interval i = mean_interval(finite);
    p.distance.push_back(distance);
    p.value.push_back(std::exp(i.mean));
    p.low.push_back(std::exp(i.low));
    p.high.push_back(std::exp(i.high));
  }
  return p;
}

bool several_snapshots(const AnalysedRuns& series, const char* group) {
  const DataGroup* g = cli::analysis_group(*series.runs.front(), group);
  return g != nullptr && g->axis("snapshot").size() > 1;
}

void draw_profile(Panel& panel, const DepthProfile& p, const std::string& line, const std::string& fill) {
  for (std::size_t i = 0; i < p.distance.size(); ++i) {
    panel.vertical(p.distance[i], p.low[i], p.high[i], cat("whisker ", line));
    panel.dot(p.distance[i], p.value[i], fill, cat(cli::decimal(p.value[i], 7), " at distance ", p.distance[i]));
  }
  std::vector<double> logs;
  for (const double v : p.value) logs.push_back(std::log(v));
  const LineFit fit = fit_line(p.distance, logs);
  if (fit.n < 3 || std::isnan(fit.slope)) return;
  std::vector<double> ends{p.distance.front(), p.distance.back()}, at;
  for (const double d : ends) at.push_back(std::exp(fit.intercept + fit.slope * d));
  panel.curve(ends, at, cat(line, " dashed"));
}

std::string factor_text(const AnalysedRuns& series) {
  const Interval rate = mean_interval(cli::readings(series, cli::single_value("gradient", "decay_rate", Moment::last)));
  return rate.n == 0 ? "" : cat("×", cli::decimal(std::exp(-rate.mean), 2), " a layer");
}

}  // namespace

std::optional<Figure> gradient_by_depth(const Study& study) {
  const auto analysed = analysed_series(study, "gradient");
  if (analysed.empty()) return std::nullopt;
  std::vector<double> distances, values;
  bool before = false;
  for (const AnalysedRuns& a : analysed) {
    before = before || several_snapshots(a, "gradient");
    for (const Moment m : {Moment::first, Moment::last}) {
      const DepthProfile p = depth_profile(a, m);
      distances.insert(distances.end(), p.distance.begin(), p.distance.end());
      for (const auto* v : {&p.value, &p.low, &p.high}) values.insert(values.end(), v->begin(), v->end());
    }
  }
  std::vector<LegendItem> items{{after_training(study), "line l0"}};
  if (before) items.push_back({"before training (hollow)", "ref"});
  items.push_back({"dashes: exponential fit", "ref dashed"});
  const PanelGrid grid(study, pointers_to(analysed), 150, 22);
  Svg svg(figure_width, grid.height(), "Mean absolute gradient by distance from the output");
  legend(svg, 52, 0, figure_width - 60, items);
  Axis x = axis_over(distances, "layers from the output");
  x.whole = true;
  const Axis y = axis_over(values, "mean |∂L/∂a|", true);
  const bool roomy = std::all_of(grid.cells().begin(), grid.cells().end(), [](const PanelGrid::Cell& c) {
    return text_width(c.title) + text_width("×0.00 a layer", 11) + 10 < c.box.w;
  });
  for (const PanelGrid::Cell& cell : grid.cells()) {
    Panel panel(svg, cell.box, x, y, cell.title);
    if (several_snapshots(*cell.series, "gradient"))
      draw_profile(panel, depth_profile(*cell.series, Moment::first), "ref", "hollow");
    const std::size_t colour = study.panel_colour(cell.series->rule);
    draw_profile(panel, depth_profile(*cell.series, Moment::last), cat("l", colour), cat("f", colour));
    if (roomy) svg.text(cell.box.x + cell.box.w, cell.box.y - 7, factor_text(*cell.series), "s", "end");
  }
  std::string sentence =
      "The true gradient, whatever the rule: mean |∂L/∂a| over neurons and examples by distance from the output, on a "
      "logarithmic scale, so that an exponential decay is a line that falls to the right.";
  const AnalysedRuns& first = analysed.front();
  const Interval rate = mean_interval(cli::readings(first, cli::single_value("gradient", "decay_rate", Moment::last)));
  if (rate.n > 0) {
    const Interval factor{std::exp(-rate.mean), std::exp(-rate.high), std::exp(-rate.low), rate.n};
    sentence += cat(" Under ", series_name(study, first), " after training a layer multiplies it by ",
                    cli::decimal(factor.mean, 2),
                    std::isnan(rate.low) ? "."
                                         : cat(" ", cli::interval_decimal(factor, 2),
                                               rate.low > 0    ? ": it decays."
                                               : rate.high < 0 ? ": it grows towards the input."
                                                               : ": neither decay nor growth is sure."));
  }
  return Figure{"gradient-by-depth", "Gradient by depth", sentence + grid.note(), std::move(svg)};
}

std::optional<Figure> gradient_by_epoch(const Study& study) {
  const auto shown = series_with(study, [](const AnalysedRuns& s) {
    return std::any_of(s.runs.begin(), s.runs.end(), [](auto* r) { return !r->layer_metrics.empty(); });
  });
  if (shown.empty()) return std::nullopt;
  // log10 of mean |∂L/∂a|, mean over seeds: [epoch][layer].
  struct Map {
    std::vector<int> epochs;
    std::vector<std::string> layers;
    std::vector<std::vector<double>> values;
  };
  std::map<const AnalysedRuns*, Map> maps;
  double low = 1e300, high = -1e300;
  for (const AnalysedRuns* s : shown) {
    Map& map = maps[s];
    map.layers = s->runs.front()->layers;
    const ByEpoch found = by_epoch(*s, &LayerMetrics::grad_mean_abs);
    const std::size_t step = (found.size() + 39) / 40;  // more columns than these nobody tells apart
    std::size_t i = 0;
    for (const auto& [epoch, layers] : found) {
      if (i++ % step != 0) continue;
      map.epochs.push_back(epoch);
      map.values.emplace_back();
      for (const auto& layer : layers) {
        std::vector<double> logs;
        for (const double v : layer) logs.push_back(v > 0 ? std::log10(v) : quiet_nan);
        const double value = mean(logs);
        map.values.back().push_back(value);
        if (!std::isfinite(value)) continue;
        low = std::min(low, value);
        high = std::max(high, value);
      }
    }
  }
  if (!(low <= high)) return std::nullopt;
  if (low == high) high = low + 1;
  const PanelGrid grid(study, shown, 120, 24);
  Svg svg(figure_width, grid.height(), "Mean absolute gradient by layer and epoch");
  char ends[2][32];
  std::snprintf(ends[0], sizeof ends[0], "%.1e", std::pow(10, low));
  std::snprintf(ends[1], sizeof ends[1], "%.1e", std::pow(10, high));
  colour_bar(svg, 52, 0, ends[0], ends[1], "mean |∂L/∂a|");
  for (const PanelGrid::Cell& cell : grid.cells()) {
    const Map& map = maps.at(cell.series);
    const double w = cell.box.w / static_cast<double>(map.epochs.size());
    const double h = cell.box.h / static_cast<double>(map.layers.size());
    svg.text(cell.box.x, cell.box.y - 7, fitted(cell.title, cell.box.w), "h");
    const std::size_t name_step = std::max<std::size_t>(1, static_cast<std::size_t>(std::ceil(13 / h)));
    for (std::size_t l = 0; l < map.layers.size(); ++l) {
      const double top = cell.box.y + h * static_cast<double>(l);
      if (l % name_step == 0) svg.text(cell.box.x - 5, top + h / 2 + 4, fitted(map.layers[l], 44, 11), "s", "end");
      for (std::size_t e = 0; e < map.epochs.size(); ++e) {
        const double value = map.values[e][l];
        char title[96];
        std::snprintf(title, sizeof title, "epoch %d: %.3g", map.epochs[e], std::pow(10, value));
        svg.rectangle(cell.box.x + w * static_cast<double>(e), top, w + 0.3, h + 0.3, {},
                      cat(map.layers[l], ", ", title), heat_colour((value - low) / (high - low)));
      }
    }
    LabelRow epochs(svg, cell.box.y + cell.box.h + 14, 8);
    for (std::size_t e = 0; e < map.epochs.size(); ++e) {
      epochs.add(cell.box.x + w * (static_cast<double>(e) + 0.5), std::to_string(map.epochs[e]));
    }
    svg.text(cell.box.x + cell.box.w / 2, cell.box.y + cell.box.h + 29, "epoch", "s", "middle");
  }
  return Figure{
      "gradient-by-epoch", "Gradient over training",
      cat("mean |∂L/∂a| of each layer (the input's side on top) at the end of each epoch, on a fixed set of training "
          "examples; geometric mean over ",
          seeds_text(study), ". A gradient that vanishes with depth is dark on top and light below.", grid.note()),
      std::move(svg)};
}

std::optional<Figure> angles_to_backprop(const Study& study) {
  const auto measured = [](const AnalysedRuns& s) {
    for (const RunRecord* run : s.runs) {
      for (const LayerMetrics& row : run->layer_metrics) {
        // Of hidden layers: at the output nearly all rules are backprop.
        const auto& angles = row.angle_to_backprop;
        if (angles.size() > 1 &&
            std::any_of(angles.begin(), angles.end() - 1, [](double a) { return std::isfinite(a); }))
          return true;
      }
    }
    return false;
  };
  const auto shown =
      series_with(study, [&](const AnalysedRuns& s) { return plain_rule(s.rule) != "backprop" && measured(s); });
  if (shown.empty()) return std::nullopt;
  std::size_t most = 0;
  double highest = 100;
  for (const AnalysedRuns* s : shown) {
    most = std::max(most, s->runs.front()->layers.size());
    for (const RunRecord* run : s->runs) {
      for (const LayerMetrics& row : run->layer_metrics) {
        for (const double a : row.angle_to_backprop) {
          if (std::isfinite(a)) highest = std::max(highest, a + 5);
        }
      }
    }
  }
  const auto shade = [](std::size_t layer, std::size_t layers) {
    return heat_colour(layers < 2 ? 0.3 : 0.85 * static_cast<double>(layer) / static_cast<double>(layers - 1));
  };
  const bool one_net = std::all_of(shown.begin(), shown.end(), [&](auto* s) {
    return s->runs.front()->layers == shown.front()->runs.front()->layers;
  });
  std::vector<LegendItem> items;
  if (one_net && most <= 10) {
    for (std::size_t l = 0; l < most; ++l) items.push_back({shown.front()->runs.front()->layers[l], shade(l, most)});
  }
  const double head = items.empty() ? 24 : legend_height(figure_width - 60, items) + 4;
  const PanelGrid grid(study, shown, 150, head);
  Svg svg(figure_width, grid.height(), "Angle between each rule's pseudo-gradient and backprop's gradient");
  if (items.empty()) colour_bar(svg, 52, 0, "first", "last", "layer");
  else legend(svg, 52, 0, figure_width - 60, items);
  std::size_t aligned_all = 0;
  for (const PanelGrid::Cell& cell : grid.cells()) {
    const AnalysedRuns& s = *cell.series;
    const ByEpoch angles = by_epoch(s, &LayerMetrics::angle_to_backprop);
    const std::size_t layers = s.runs.front()->layers.size();
    std::vector<double> epochs;
    for (const auto& [epoch, unused] : angles) epochs.push_back(epoch);
    Axis x = axis_over(epochs, "epoch");
    x.whole = true;
    Panel panel(svg, cell.box, x, {0, highest, false, "degrees", false, 45}, cell.title);
    panel.level(90, "zero");
    bool below = true;
    for (std::size_t l = 0; l < layers; ++l) {
      std::vector<double> means;
      for (const auto& [epoch, values] : angles) means.push_back(mean(values[l]));
      panel.curve(epochs, means, "line", shade(l, layers));
      if (means.size() == 1) panel.dot(epochs[0], means[0], "reff");
      below = below && !(means.back() >= 90);
    }
    aligned_all += below;
  }
  return Figure{
      "angle-to-backprop", "Angle to backprop",
      cat("The angle between a rule's pseudo-gradient and backprop's gradient at the same weights, layer by layer, "
          "mean over ",
          seeds_text(study),
          ". Below 90° (dashes) a step goes downhill; around 90° it is no better than one at random. At the "
          "last epoch all layers are below 90° in ",
          aligned_all, " of ", grid.cells().size(),
          " panels. No line: the layer is not trained, or one of the two gradients is zero.", grid.note()),
      std::move(svg)};
}

}  // namespace strata::report
