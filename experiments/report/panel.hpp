// A plotting area with two axes inside a picture.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "experiments/report/svg.hpp"

namespace strata::report {

struct Axis {
  double low = 0, high = 1;
  bool log = false;  ///< decades; low and high > 0
  std::string label = {};
  bool whole = false;  ///< ticks at whole numbers alone: epochs, layers
  double step = 0;     ///< between ticks; 0 = what fits
};

/// An axis over all finite values (the positive ones, if log), with a little room; 0 … 1 if there are none.
Axis axis_over(std::span<const double> values, std::string label, bool log = false);

/// Round numbers within the axis, about `wanted` of them; powers of ten (or 1-2-5 steps of few decades) if log.
std::vector<double> ticks(const Axis& axis, int wanted);
/// Short text of a tick: "0.25", "10⁻³", "2,000".
std::string tick_text(double value, const Axis& axis);

/// Names side by side, small and in the middle of where they belong, unless they would reach beyond the picture there;
/// what would touch the one before is left out.
class LabelRow {
 public:
  LabelRow(Svg& svg, double y, double gap) : svg_(svg), y_(y), gap_(gap) {}
  void add(double middle, const std::string& text);

 private:
  Svg& svg_;
  double y_, gap_, free_from_ = -1e9;
};

struct Box {
  double x, y, w, h;
};

class Panel {
 public:
  /// Draws frame, grid, ticks and labels. `box` is the area of data; ticks and labels lie around it: 46 pixels left, 34 below
  /// and 20 above are enough. Without `y_text` the y axis has no numbers and no label.
  Panel(Svg& svg, Box box, Axis x, Axis y, std::string_view title, bool y_text = true);

  double x(double value) const;
  double y(double value) const;
  const Box& box() const { return box_; }

  // What has no finite place (NaN; ≤ 0 on a log axis) is left out, and interrupts a line. What lies outside is drawn at
  // the edge.
  void curve(std::span<const double> xs, std::span<const double> ys, std::string_view look,
             std::string_view stroke = {});
  void band(std::span<const double> xs, std::span<const double> low, std::span<const double> high,
            std::string_view look);
  void dot(double x, double y, std::string_view look, std::string_view title = {}, double radius = 3);
  void vertical(double x, double low, double high, std::string_view look);  ///< a whisker
  void horizontal(double y, double low, double high, std::string_view look);
  void level(double y, std::string_view look);  ///< a line across

 private:
  bool shown(double x, double y) const;
  Svg& svg_;
  Box box_;
  Axis x_, y_;
};

struct LegendItem {
  std::string name, look;  ///< classes of a line; of a filled sample if they begin with 'f'; a colour if with '#'
};
/// Names with their samples, in as many lines as the width needs; returns the height.
double legend(Svg& svg, double x, double y, double width, const std::vector<LegendItem>& items);
double legend_height(double width, const std::vector<LegendItem>& items);

}  // namespace strata::report
