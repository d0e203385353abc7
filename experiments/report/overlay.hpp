// Lines of several rules on the same axes: what learning curves, accuracy against time and the search's curves share.
#pragma once

#include <string>
#include <vector>

#include "experiments/report/panel.hpp"
#include "experiments/report/study.hpp"
#include "experiments/report/svg.hpp"

namespace strata::report {

struct RuleCurve {
  std::string rule, network;
  History history;
};

/// One panel a network with a line a rule; one a rule with a line a network, where rules are more than colours.
struct Overlay {
  struct Line {
    History history;
    std::size_t colour;
    std::string name;
  };
  struct Group {
    std::string title;
    std::vector<Line> lines;
  };
  std::vector<Group> groups;  ///< the first of them
  std::size_t all = 0;        ///< how many there are
  std::vector<LegendItem> legend;
  History reference;  ///< backprop's, where a panel shows one rule
};

/// In the study's order and colours; what it does not know comes after.
Overlay overlay_of(const Study& study, const std::vector<RuleCurve>& curves);

/// A panel a group, all on the same axes; y is a share in percent.
Svg overlay_curves(const Overlay& overlay, const std::string& label, const std::string& x_label, bool whole_x,
                   const std::string& y_label = "validation accuracy, %");

}  // namespace strata::report
