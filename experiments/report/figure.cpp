#include "experiments/report/figure.hpp"

#include <algorithm>
#include <cmath>

#include "framework/core/errors.hpp"

namespace strata::report {
namespace {

// More panels than anybody looks at; the rest is a matter of --rules and --networks.
constexpr std::size_t most_panels = 60;

}  // namespace

std::string series_name(const Study& study, const cli::AnalysedRuns& series) {
  if (study.networks.size() == 1) return series.rule;
  if (study.rules.size() == 1) return series.network;
  return cat(series.rule, " on ", series.network);
}

PanelGrid::PanelGrid(const Study& study, const std::vector<const cli::AnalysedRuns*>& shown, double panel_height,
                     double head, double foot, double left_margin) {
  std::vector<std::string> networks;
  for (const std::string& n : study.networks) {
    if (std::any_of(shown.begin(), shown.end(), [&](auto* s) { return s->network == n; })) networks.push_back(n);
  }
  const bool table = networks.size() > 1 && networks.size() <= 4;
  std::vector<const cli::AnalysedRuns*> order;
  if (table) {
    for (const std::string& rule : study.rules) {
      const auto of_rule = [&](auto* s) { return s->rule == rule; };
      if (std::none_of(shown.begin(), shown.end(), of_rule)) continue;
      for (const std::string& network : networks) {
        const auto at =
            std::find_if(shown.begin(), shown.end(), [&](auto* s) { return s->rule == rule && s->network == network; });
        order.push_back(at == shown.end() ? nullptr : *at);
      }
    }
  } else {
    order = shown;
  }
  std::size_t columns = table ? networks.size()
                              : std::min<std::size_t>(order.size(), order.size() <= 4   ? 2
                                                                    : order.size() <= 9 ? 3
                                                                                        : 4);
  columns = std::max<std::size_t>(columns, 1);
  if (order.size() > most_panels) {
    note_ = cat(" The first ", most_panels - most_panels % columns, " of ", order.size(),
                " panels; --rules and --networks choose others.");
    order.resize(most_panels - most_panels % columns);
  }
  constexpr double right = 14, above = 26, below = 40;
  const double pitch = figure_width / static_cast<double>(columns);
  for (std::size_t i = 0; i < order.size(); ++i) {
    const std::size_t row = i / columns, column = i % columns;
    if (order[i] == nullptr) continue;
    const Box box{static_cast<double>(column) * pitch + left_margin,
                  head + static_cast<double>(row) * (panel_height + above + below) + above, pitch - left_margin - right,
                  panel_height};
    cells_.push_back({order[i], box, column == 0, i + columns >= order.size(), series_name(study, *order[i])});
  }
  const auto rows = static_cast<double>((order.size() + columns - 1) / columns);
  height_ = head + rows * (panel_height + above + below) + foot;
}

double colour_bar(Svg& svg, double x, double y, const std::string& low, const std::string& high,
                  const std::string& what) {
  double at = x;
  svg.text(at, y + 11, what, "s");
  at += text_width(what, 11) + 12;
  svg.text(at, y + 11, low, "s");
  at += text_width(low, 11) + 6;
  constexpr int steps = 40;
  for (int i = 0; i < steps; ++i) {
    svg.rectangle(at + i * 4, y + 1, 4.3, 12, {}, {}, heat_colour((i + 0.5) / steps));
  }
  svg.text(at + steps * 4 + 6, y + 11, high, "s");
  return 22;
}

}  // namespace strata::report
