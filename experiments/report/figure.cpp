#include "experiments/report/figure.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "framework/core/errors.hpp"

namespace strata::report {
namespace {

// More panels than anybody looks at; the rest is a matter of --rules and --networks.
constexpr std::size_t most_panels = 60;

std::size_t networks_in(const std::vector<const cli::AnalysedRuns*>& shown) {
  std::set<std::string> networks;
  for (const cli::AnalysedRuns* s : shown) networks.insert(s->network);
  return networks.size();
}

// A row a rule, a column a network.
bool is_table(std::size_t networks) { return networks > 1 && networks <= 4; }

}  // namespace

std::size_t panel_columns(std::size_t panels) { return panels <= 1 ? 1 : panels <= 4 ? 2 : panels <= 9 ? 3 : 4; }

std::string panels_note(std::size_t shown, std::size_t panels) {
  return shown == panels ? ""
                         : cat(" The first ", shown, " of ", panels, " panels; --rules and --networks choose others.");
}

std::string after_training(const Study& study) {
  return study.many_rules() ? "after training" : "after training, in the rule's colour";
}

std::size_t PanelGrid::columns(const std::vector<const cli::AnalysedRuns*>& shown) {
  const std::size_t networks = networks_in(shown);
  return is_table(networks) ? networks : panel_columns(shown.size());
}

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
  std::vector<const cli::AnalysedRuns*> order;
  if (is_table(networks.size())) {
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
  const std::size_t columns = PanelGrid::columns(shown);
  const std::size_t all = order.size();
  if (all > most_panels) order.resize(most_panels - most_panels % columns);
  note_ = panels_note(order.size(), all);
  constexpr double right = 14, above = 26, below = 40;
  const double pitch = figure_width / static_cast<double>(columns);
  for (std::size_t i = 0; i < order.size(); ++i) {
    const std::size_t row = i / columns, column = i % columns;
    if (order[i] == nullptr) continue;
    const Box box{static_cast<double>(column) * pitch + left_margin,
                  head + static_cast<double>(row) * (panel_height + above + below) + above, pitch - left_margin - right,
                  panel_height};
    cells_.push_back({order[i], box, series_name(study, *order[i])});
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
