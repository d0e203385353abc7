// An SVG picture, element by element. Looks are classes of `svg_style`, so that a page shows it in light and dark.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::report {

/// For text between tags and in attributes: & < > " and characters that XML forbids.
std::string escaped(std::string_view text);

/// A coordinate: at most two decimals, never in scientific notation, whatever the locale.
std::string coordinate(double value);

/// About how wide text of that size is drawn, in pixels.
double text_width(std::string_view text, double size = 12);

/// The text, cut with … to at most `width` pixels.
std::string fitted(const std::string& text, double width, double size = 12);

using Points = std::vector<std::pair<double, double>>;

class Svg {
 public:
  /// `label` is read out by screen readers.
  Svg(double width, double height, std::string label);

  // Coordinates in pixels from the upper left corner. `look` are class names; `title` is shown under the pointer.
  void line(double x1, double y1, double x2, double y2, std::string_view look);
  /// Nothing for fewer than two points. `stroke` is a colour for looks that have none.
  void polyline(const Points& points, std::string_view look, std::string_view stroke = {});
  void polygon(const Points& points, std::string_view look);
  void rectangle(double x, double y, double w, double h, std::string_view look, std::string_view title = {},
                 std::string_view fill = {});
  void circle(double x, double y, double radius, std::string_view look, std::string_view title = {});
  /// `data` as png_data makes it, its pixels drawn as squares.
  void image(double x, double y, double w, double h, const std::string& data, std::string_view title = {});
  /// `anchor` is start, middle or end; `angle` in degrees, clockwise.
  void text(double x, double y, std::string_view text, std::string_view look = "t", std::string_view anchor = "start",
            double angle = 0);
  void path(std::string_view d, std::string_view look, double width = 0);
  /// `attributes` as they stand: `data-network="1"`.
  void begin_group(std::string_view attributes);
  void end_group();

  double width() const { return width_; }
  std::string element() const;  ///< for a page that has svg_style
  std::string file() const;     ///< to stand alone, with its style inside

 private:
  void add(std::string_view name, std::string_view attributes, std::string_view look, std::string_view title);

  double width_, height_;
  std::string label_, body_;
};

/// How many colours there are for rules and networks: classes l0 … (lines), f0 … (fills), b0 … (bands).
inline constexpr std::size_t palette_size = 8;

/// The classes of pictures, as CSS: light on paper, light or dark on a screen as the reader has it.
std::string svg_style();

/// A colour between dark and light for 0 … 1 (viridis), as #rrggbb; grey for NaN.
std::string heat_colour(double fraction);
/// True if text on that colour must be white.
bool heat_is_dark(double fraction);

}  // namespace strata::report
