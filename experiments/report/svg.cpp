#include "experiments/report/svg.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "experiments/cli/text.hpp"
#include "framework/core/errors.hpp"

namespace strata::report {

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') out += "&amp;";
    else if (c == '<') out += "&lt;";
    else if (c == '>') out += "&gt;";
    else if (c == '"') out += "&quot;";
    else if (static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t') out += c;
  }
  return out;
}

std::string coordinate(double value) {
  if (!std::isfinite(value)) value = 0;
  std::array<char, 64> text;
  const double rounded = std::round(value * 100) / 100;
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), rounded == 0 ? 0 : rounded, std::chars_format::fixed);
  return {text.data(), end.ptr};
}

double text_width(std::string_view text, double size) {
  return 0.56 * size * static_cast<double>(cli::columns_of(std::string(text)));
}

std::string fitted(const std::string& text, double width, double size) {
  if (text_width(text, size) <= width) return text;
  const auto columns = static_cast<std::size_t>(std::max(1.0, width / (0.56 * size) - 1));
  return cli::shortened(text, columns) + "…";
}

Svg::Svg(double width, double height, std::string label) : width_(width), height_(height), label_(std::move(label)) {}

void Svg::add(std::string_view name, std::string_view attributes, std::string_view look, std::string_view title) {
  body_ += '<';
  body_ += name;
  if (!look.empty()) body_ += cat(" class=\"", look, "\"");
  body_ += attributes;
  if (title.empty()) body_ += "/>\n";
  else body_ += cat("><title>", escaped(title), "</title></", name, ">\n");
}

void Svg::line(double x1, double y1, double x2, double y2, std::string_view look) {
  add("line",
      cat(" x1=\"", coordinate(x1), "\" y1=\"", coordinate(y1), "\" x2=\"", coordinate(x2), "\" y2=\"", coordinate(y2),
          "\""),
      look, {});
}

namespace {
std::string point_list(const Points& points) {
  std::string list = " points=\"";
  for (const auto& [x, y] : points) {
    if (list.back() != '"') list += ' ';
    list += coordinate(x) + ',' + coordinate(y);
  }
  return list + '"';
}
}  // namespace

void Svg::polyline(const Points& points, std::string_view look, std::string_view stroke) {
  if (points.size() < 2) return;
  add("polyline", stroke.empty() ? point_list(points) : cat(point_list(points), " stroke=\"", stroke, "\""), look, {});
}

void Svg::polygon(const Points& points, std::string_view look) {
  if (points.size() > 2) add("polygon", point_list(points), look, {});
}

void Svg::rectangle(double x, double y, double w, double h, std::string_view look, std::string_view title,
                    std::string_view fill) {
  std::string attributes = cat(" x=\"", coordinate(x), "\" y=\"", coordinate(y), "\" width=\"",
                               coordinate(std::max(w, 0.0)), "\" height=\"", coordinate(std::max(h, 0.0)), "\"");
  if (!fill.empty()) attributes += cat(" fill=\"", fill, "\"");
  add("rect", attributes, look, title);
}

void Svg::circle(double x, double y, double radius, std::string_view look, std::string_view title) {
  add("circle", cat(" cx=\"", coordinate(x), "\" cy=\"", coordinate(y), "\" r=\"", coordinate(radius), "\""), look,
      title);
}

void Svg::image(double x, double y, double w, double h, const std::string& data, std::string_view title) {
  add("image",
      cat(" x=\"", coordinate(x), "\" y=\"", coordinate(y), "\" width=\"", coordinate(w), "\" height=\"", coordinate(h),
          "\" style=\"image-rendering:pixelated\" href=\"", data, "\""),
      {}, title);
}

void Svg::text(double x, double y, std::string_view text, std::string_view look, std::string_view anchor,
               double angle) {
  body_ += cat("<text class=\"", look, "\" x=\"", coordinate(x), "\" y=\"", coordinate(y), "\"");
  if (anchor != "start") body_ += cat(" text-anchor=\"", anchor, "\"");
  if (angle != 0) {
    body_ += cat(" transform=\"rotate(", coordinate(angle), ' ', coordinate(x), ' ', coordinate(y), ")\"");
  }
  body_ += cat(">", escaped(text), "</text>\n");
}

void Svg::path(std::string_view d, std::string_view look, double width) {
  add("path", cat(" d=\"", d, "\"", width > 0 ? cat(" stroke-width=\"", coordinate(width), "\"") : ""), look, {});
}

void Svg::begin_group(std::string_view attributes) { body_ += cat("<g ", attributes, ">\n"); }
void Svg::end_group() { body_ += "</g>\n"; }

std::string Svg::element() const {
  return cat("<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"plot\" viewBox=\"0 0 ", coordinate(width_), ' ',
             coordinate(height_), "\" width=\"", coordinate(width_), "\" height=\"", coordinate(height_),
             "\" role=\"img\" aria-label=\"", escaped(label_), "\">\n", body_, "</svg>\n");
}

std::string Svg::file() const {
  const std::string whole = element();
  const std::size_t head = whole.find(">\n") + 2;
  return cat("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", whole.substr(0, head), "<style>\n", svg_style(),
             "</style>\n<rect class=\"paper\" x=\"0\" y=\"0\" width=\"", coordinate(width_), "\" height=\"",
             coordinate(height_), "\"/>\n", whole.substr(head));
}

namespace {

struct PaletteColour {
  const char *light, *dark;
};
// Told apart by people with the common kinds of colour blindness when used with the legend's order; the last is the frozen
// baseline's grey.
constexpr std::array<PaletteColour, palette_size> palette{{{"#1f5fbf", "#6ea8ff"},
                                                           {"#d97300", "#ffa64d"},
                                                           {"#0a8f62", "#3fcf9b"},
                                                           {"#c9304a", "#ff7a8d"},
                                                           {"#8a4fc0", "#c69cf2"},
                                                           {"#0f8fa3", "#58d0e0"},
                                                           {"#9a6a2f", "#d9ac72"},
                                                           {"#7a7f87", "#a3a9b3"}}};

std::string series_rules(bool dark) {
  std::string css;
  for (std::size_t i = 0; i < palette.size(); ++i) {
    const char* colour = dark ? palette[i].dark : palette[i].light;
    css += cat(".plot .l", i, "{stroke:", colour, "}.plot .f", i, "{fill:", colour, "}.plot .b", i, "{fill:", colour,
               "}\n");
  }
  return css;
}

}  // namespace

std::string svg_style() {
  std::string css =
      "svg.plot text{font:12px system-ui,-apple-system,'Segoe UI','DejaVu Sans',sans-serif;fill:#22262b}\n"
      "svg.plot text.s{font-size:11px;fill:#5b626b}svg.plot text.h{font-weight:600}svg.plot text.w{fill:#fff}\n"
      "svg.plot text.k{fill:#000}\n"
      ".plot .paper{fill:#fff}.plot .axis{stroke:#8a9099;stroke-width:1;fill:none}\n"
      ".plot .grid{stroke:#e3e6ea;stroke-width:1}.plot .zero{stroke:#5b626b;stroke-width:1;stroke-dasharray:4 3}\n"
      ".plot .line{fill:none;stroke-width:2;stroke-linejoin:round}.plot .seed{fill:none;stroke-width:1;opacity:.35}\n"
      ".plot .band{opacity:.18;stroke:none}.plot .whisker{stroke-width:2}.plot .small{opacity:.4}\n"
      ".plot .null{stroke:#22262b;stroke-width:1.5;fill:none}.plot .nulldash{stroke:#22262b;stroke-width:1.5;"
      "stroke-dasharray:3 2;fill:none}.plot .nulldot{fill:#22262b}\n"
      ".plot .bar{opacity:.75}.plot .ref{stroke:#8a9099;fill:none;stroke-width:1.5}.plot .reff{fill:#8a9099}\n"
      ".plot .hollow{fill:none;stroke:#8a9099;stroke-width:1.5}\n"
      ".plot .column{fill:#e9ecf0;stroke:#b8bec7;stroke-width:.5}.plot .wire{stroke:#d3d8de;stroke-width:1;fill:none}\n"
      ".plot .skipwire{stroke:#d97300;stroke-width:1.5;fill:none;opacity:.7}\n"
      ".plot .picked{fill:#1f5fbf;stroke:#fff;stroke-width:1}.plot .source{fill:#d97300;stroke:#fff;stroke-width:1}\n"
      ".plot .edge{stroke:#d97300;fill:none;opacity:.8;stroke-linecap:round}\n"
      ".plot .negative{stroke:#8a4fc0}.plot .minus{fill:#8a4fc0}\n"
      ".plot .dashed{stroke-dasharray:5 3}\n";
  css += series_rules(false);
  css +=
      "@media screen and (prefers-color-scheme:dark){\n"
      "svg.plot text{fill:#e6e9ed}svg.plot text.s{fill:#a3a9b3}\n"
      ".plot .paper{fill:#16191d}.plot .axis{stroke:#7a818b}.plot .grid{stroke:#2b3037}.plot .zero{stroke:#a3a9b3}\n"
      ".plot .null,.plot .nulldash{stroke:#e6e9ed}.plot .nulldot{fill:#e6e9ed}\n"
      ".plot .column{fill:#262b32;stroke:#4a525c}.plot .wire{stroke:#363d46}.plot .skipwire{stroke:#ffa64d}\n"
      ".plot .picked{fill:#6ea8ff;stroke:#16191d}.plot .source{fill:#ffa64d;stroke:#16191d}\n"
      ".plot .edge{stroke:#ffa64d}.plot .negative{stroke:#c69cf2}.plot .minus{fill:#c69cf2}\n";
  css += series_rules(true);
  return css + "}\n";
}

namespace {
// Viridis at ten places.
constexpr std::array<std::array<int, 3>, 10> viridis{{{68, 1, 84},
                                                      {72, 40, 120},
                                                      {62, 74, 137},
                                                      {49, 104, 142},
                                                      {38, 130, 142},
                                                      {31, 158, 137},
                                                      {53, 183, 121},
                                                      {109, 205, 89},
                                                      {180, 222, 44},
                                                      {253, 231, 37}}};
}  // namespace

std::string heat_colour(double fraction) {
  if (std::isnan(fraction)) return "#9aa0a8";
  const double at = std::clamp(fraction, 0.0, 1.0) * static_cast<double>(viridis.size() - 1);
  const auto low = std::min(static_cast<std::size_t>(at), viridis.size() - 2);
  std::string colour = "#";
  for (std::size_t c = 0; c < 3; ++c) {
    const double value = viridis[low][c] + (at - static_cast<double>(low)) * (viridis[low + 1][c] - viridis[low][c]);
    const int rounded = static_cast<int>(std::lround(value));
    colour += "0123456789abcdef"[rounded / 16];
    colour += "0123456789abcdef"[rounded % 16];
  }
  return colour;
}

bool heat_is_dark(double fraction) { return std::isnan(fraction) || fraction < 0.6; }

}  // namespace strata::report
