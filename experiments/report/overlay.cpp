#include "experiments/report/overlay.hpp"

#include <algorithm>

#include "experiments/report/figure.hpp"
#include "framework/core/errors.hpp"

namespace strata::report {
namespace {

constexpr std::size_t most_groups = 48;

struct CurvesPage {
  std::vector<Box> boxes;
  double height;
};

CurvesPage curves_page(std::size_t count, double head) {
  CurvesPage page;
  const std::size_t columns = panel_columns(count);
  const double h = columns == 1 ? 330 : columns == 2 ? 230 : 130, pitch = figure_width / static_cast<double>(columns);
  for (std::size_t i = 0; i < count; ++i) {
    const auto row = static_cast<double>(i / columns), column = static_cast<double>(i % columns);
    page.boxes.push_back({column * pitch + 52, head + row * (h + 66) + 26, pitch - 66, h});
  }
  page.height = head + static_cast<double>((count + columns - 1) / columns) * (h + 66);
  return page;
}

}  // namespace

Overlay overlay_of(const Study& study, const std::vector<RuleCurve>& curves) {
  Study names;  // for their order and colours alone
  names.rules = study.rules;
  names.networks = study.networks;
  for (const RuleCurve& c : curves) {
    cli::add_missing(names.rules, c.rule);
    cli::add_missing(names.networks, c.network);
  }
  Overlay overlay;
  const bool by_rule = names.many_rules();
  const auto colour = [&](const std::string& line) {
    if (!by_rule) return names.colour(line);
    return static_cast<std::size_t>(std::find(names.networks.begin(), names.networks.end(), line) -
                                    names.networks.begin());
  };
  for (const std::string& title : by_rule ? names.rules : names.networks) {
    Overlay::Group group{title, {}};
    for (const RuleCurve& c : curves) {
      const std::string& line = by_rule ? c.network : c.rule;
      if ((by_rule ? c.rule : c.network) != title || (by_rule && colour(line) >= palette_size - 1)) continue;
      group.lines.push_back({c.history, colour(line), line});
    }
    if (!group.lines.empty()) overlay.groups.push_back(std::move(group));
  }
  overlay.all = overlay.groups.size();
  if (overlay.all > most_groups) overlay.groups.resize(most_groups);
  for (const std::string& line : by_rule ? names.networks : names.rules) {
    const bool drawn = std::any_of(overlay.groups.begin(), overlay.groups.end(), [&](const Overlay::Group& g) {
      return std::any_of(g.lines.begin(), g.lines.end(), [&](const Overlay::Line& l) { return l.name == line; });
    });
    if (drawn) overlay.legend.push_back({line, cat("line l", colour(line))});
  }
  const auto backprop = std::find_if(curves.begin(), curves.end(), [&](const RuleCurve& c) {
    return c.rule == "backprop" && c.network == names.networks.front();
  });
  if (by_rule && backprop != curves.end()) {
    overlay.reference = backprop->history;
    overlay.legend.push_back({"backprop, for comparison", "ref"});
  }
  return overlay;
}

Svg overlay_curves(const Overlay& overlay, const std::string& label, const std::string& x_label, bool whole_x,
                   const std::string& y_label) {
  std::vector<double> all_x, all_y;
  for (const auto& group : overlay.groups) {
    for (const auto& line : group.lines) {
      const History& h = line.history;
      all_x.insert(all_x.end(), h.x.begin(), h.x.end());
      for (const auto* values : {&h.mean, &h.low, &h.high}) all_y.insert(all_y.end(), values->begin(), values->end());
      for (const auto& seed : h.by_seed) all_y.insert(all_y.end(), seed.begin(), seed.end());
    }
  }
  Axis x = axis_over(all_x, x_label), y = axis_over(all_y, y_label);
  x.whole = whole_x;
  if (!whole_x) x.low = 0;
  y.low = std::max(y.low, 0.0);
  y.high = std::min(y.high, 100.0);
  const double head = legend_height(figure_width - 60, overlay.legend) + 4;
  const CurvesPage page = curves_page(overlay.groups.size(), head);
  Svg svg(figure_width, page.height, label);
  legend(svg, 52, 0, figure_width - 60, overlay.legend);
  for (std::size_t g = 0; g < overlay.groups.size(); ++g) {
    const auto& group = overlay.groups[g];
    const bool one = overlay.groups.size() == 1;
    Panel panel(svg, page.boxes[g], x, y, one ? "" : group.title);
    panel.curve(overlay.reference.x, overlay.reference.mean, "ref");
    for (const auto& line : group.lines) {
      const History& h = line.history;
      panel.band(h.x, h.low, h.high, cat("band b", line.colour));
      if (h.by_seed.size() > 1) {
        for (const auto& seed : h.by_seed) panel.curve(h.x, seed, cat("seed l", line.colour));
      }
    }
    for (const auto& line : group.lines) {
      const History& h = line.history;
      panel.curve(h.x, h.mean, cat("line l", line.colour));
      if (h.x.size() == 1) panel.dot(h.x[0], h.mean[0], cat("f", line.colour), line.name);
    }
  }
  return svg;
}

}  // namespace strata::report
