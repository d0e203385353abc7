#include "experiments/report/panel.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "experiments/cli/text.hpp"
#include "framework/core/errors.hpp"

namespace strata::report {

Axis axis_over(std::span<const double> values, std::string label, bool log) {
  double low = 0, high = 0;
  bool any = false;
  for (const double v : values) {
    if (!std::isfinite(v) || (log && v <= 0)) continue;
    low = any ? std::min(low, v) : v;
    high = any ? std::max(high, v) : v;
    any = true;
  }
  if (!any) return {log ? 0.1 : 0.0, 1, log, std::move(label)};
  if (log) {
    const double room = std::max(std::pow(high / low, 0.05), 1.1);
    return {low / room, high * room, true, std::move(label)};
  }
  double room = (high - low) * 0.05;
  if (room <= 0) room = std::max(std::abs(high) * 0.1, 1e-3);
  return {low - room, high + room, false, std::move(label)};
}

std::vector<double> ticks(const Axis& axis, int wanted) {
  std::vector<double> out;
  if (axis.log) {
    const int first = static_cast<int>(std::ceil(std::log10(axis.low) - 1e-9));
    const int last = static_cast<int>(std::floor(std::log10(axis.high) + 1e-9));
    if (last - first >= 1) {
      const int step = std::max(1, static_cast<int>(std::ceil(static_cast<double>(last - first + 1) / wanted)));
      for (int e = first; e <= last; e += step) out.push_back(std::pow(10.0, e));
      return out;
    }
    for (int e = first - 1; e <= last + 1; ++e) {
      for (const double m : {1.0, 2.0, 5.0}) {
        const double v = m * std::pow(10.0, e);
        if (v >= axis.low && v <= axis.high) out.push_back(v);
      }
    }
    return out;
  }
  const double range = axis.high - axis.low;
  if (!(range > 0)) return out;
  double step = std::pow(10.0, std::floor(std::log10(range / wanted)));
  for (const double m : {2.0, 5.0, 10.0}) {
    if (range / step <= wanted) break;
    step = m * std::pow(10.0, std::floor(std::log10(range / wanted)));
  }
  if (axis.whole) step = std::max(1.0, std::ceil(step));
  if (axis.step > 0) step = axis.step;
  for (double k = std::ceil(axis.low / step - 1e-9); k * step <= axis.high + step * 1e-9; ++k) out.push_back(k * step);
  return out;
}

std::string tick_text(double value, const Axis& axis) {
  const double size = std::abs(value);
  if (axis.log && size > 0) {
    const double exponent = std::log10(size);
    const double whole = std::round(exponent);
    if (std::abs(exponent - whole) < 1e-9 && (whole > 3 || whole < -2)) {
      static constexpr const char* digits[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
      std::string text = whole < 0 ? "10⁻" : "10";
      for (const char c : std::to_string(std::abs(static_cast<int>(whole)))) text += digits[c - '0'];
      return text;
    }
  }
  if (size >= 10000) return cli::with_commas(value);
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", std::abs(value) < 1e-12 ? 0.0 : value);
  std::string out = text;
  if (!out.empty() && out[0] == '-') out = "−" + out.substr(1);
  return out;
}

void LabelRow::add(double middle, const std::string& text) {
  const double half = text_width(text, 11) / 2;
  middle = std::min(middle, svg_.width() - half);
  if (middle - half < free_from_) return;
  svg_.text(middle, y_, text, "s", "middle");
  free_from_ = middle + half + gap_;
}

Panel::Panel(Svg& svg, Box box, Axis x, Axis y, std::string_view title, bool y_text)
    : svg_(svg), box_(box), x_(std::move(x)), y_(std::move(y)) {
  const double bottom = box_.y + box_.h;
  LabelRow numbers(svg_, bottom + 14, 6);
  for (const double t : ticks(x_, std::max(2, static_cast<int>(box_.w / (x_.whole ? 28 : 55))))) {
    const double at = this->x(t);
    svg_.line(at, box_.y, at, bottom, "grid");
    numbers.add(at, tick_text(t, x_));
  }
  for (const double t : ticks(y_, std::max(2, static_cast<int>(box_.h / 32)))) {
    const double at = this->y(t);
    svg_.line(box_.x, at, box_.x + box_.w, at, "grid");
    if (y_text) svg_.text(box_.x - 5, at + 4, tick_text(t, y_), "s", "end");
  }
  svg_.line(box_.x, box_.y, box_.x, bottom, "axis");
  svg_.line(box_.x, bottom, box_.x + box_.w, bottom, "axis");
  if (!title.empty()) svg_.text(box_.x, box_.y - 7, fitted(std::string(title), box_.w), "h");
  if (!x_.label.empty()) svg_.text(box_.x + box_.w / 2, bottom + 29, x_.label, "s", "middle");
  if (y_text && !y_.label.empty()) svg_.text(box_.x - 37, box_.y + box_.h / 2, y_.label, "s", "middle", -90);
}

namespace {
double along(const Axis& axis, double value) {
  const double at = axis.log ? std::log(value / axis.low) / std::log(axis.high / axis.low)
                             : (value - axis.low) / (axis.high - axis.low);
  return std::clamp(at, 0.0, 1.0);
}
bool placed(const Axis& axis, double value) { return std::isfinite(value) && (!axis.log || value > 0); }
}  // namespace

double Panel::x(double value) const { return box_.x + box_.w * along(x_, value); }
double Panel::y(double value) const { return box_.y + box_.h * (1 - along(y_, value)); }
bool Panel::shown(double x, double y) const { return placed(x_, x) && placed(y_, y); }

void Panel::curve(std::span<const double> xs, std::span<const double> ys, std::string_view look,
                  std::string_view stroke) {
  Points points;
  for (std::size_t i = 0; i < xs.size(); ++i) {
    if (shown(xs[i], ys[i])) {
      points.emplace_back(x(xs[i]), y(ys[i]));
      continue;
    }
    svg_.polyline(points, look, stroke);
    points.clear();
  }
  svg_.polyline(points, look, stroke);
}

void Panel::band(std::span<const double> xs, std::span<const double> low, std::span<const double> high,
                 std::string_view look) {
  std::size_t i = 0;
  while (i < xs.size()) {
    Points up, down;
    for (; i < xs.size() && placed(x_, xs[i]) && std::isfinite(low[i]) && placed(y_, high[i]); ++i) {
      up.emplace_back(x(xs[i]), y(high[i]));
      down.emplace_back(x(xs[i]), placed(y_, low[i]) ? y(low[i]) : box_.y + box_.h);
    }
    up.insert(up.end(), down.rbegin(), down.rend());
    svg_.polygon(up, look);
    ++i;
  }
}

void Panel::dot(double at_x, double at_y, std::string_view look, std::string_view title, double radius) {
  if (shown(at_x, at_y)) svg_.circle(x(at_x), y(at_y), radius, look, title);
}

void Panel::vertical(double at, double low, double high, std::string_view look) {
  if (placed(x_, at) && std::isfinite(low) && placed(y_, high)) {
    svg_.line(x(at), placed(y_, low) ? y(low) : box_.y + box_.h, x(at), y(high), look);
  }
}

void Panel::horizontal(double at, double low, double high, std::string_view look) {
  if (placed(y_, at) && std::isfinite(low) && placed(x_, high)) {
    svg_.line(placed(x_, low) ? x(low) : box_.x, y(at), x(high), y(at), look);
  }
}

void Panel::level(double at, std::string_view look) {
  if (placed(y_, at)) svg_.line(box_.x, y(at), box_.x + box_.w, y(at), look);
}

namespace {
double legend_item_width(const LegendItem& item) { return 24 + text_width(item.name) + 16; }
}  // namespace

double legend_height(double width, const std::vector<LegendItem>& items) {
  double at = 0, lines = items.empty() ? 0 : 1;
  for (const LegendItem& item : items) {
    const double w = legend_item_width(item);
    if (at > 0 && at + w > width) {
      ++lines;
      at = 0;
    }
    at += w;
  }
  return lines * 18;
}

double legend(Svg& svg, double x, double y, double width, const std::vector<LegendItem>& items) {
  double at = 0, line = 0;
  for (const LegendItem& item : items) {
    const double w = legend_item_width(item);
    if (at > 0 && at + w > width) {
      ++line;
      at = 0;
    }
    const double top = y + line * 18;
    if (item.look.front() == 'f') svg.rectangle(x + at, top + 4, 18, 10, item.look);
    else if (item.look.front() == 'n' && item.look == "nulldot") svg.circle(x + at + 9, top + 9, 3, item.look);
    else if (item.look.front() == '#') svg.rectangle(x + at, top + 7, 18, 4, {}, {}, item.look);
    else svg.line(x + at, top + 9, x + at + 18, top + 9, item.look);
    svg.text(x + at + 24, top + 13, item.name);
    at += w;
  }
  return legend_height(width, items);
}

}  // namespace strata::report
