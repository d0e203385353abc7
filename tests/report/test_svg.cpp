// The drawing beneath the report: text, coordinates, axes, lines with gaps.
#include <zlib.h>
#include <boost/test/unit_test.hpp>
#include <limits>

#include "experiments/report/panel.hpp"
#include "experiments/report/png.hpp"
#include "framework/core/errors.hpp"

using namespace strata::report;

namespace {

constexpr double missing = std::numeric_limits<double>::quiet_NaN();

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

const Box square{50, 20, 100, 100};

}  // namespace

BOOST_AUTO_TEST_CASE(text_is_escaped) {
  BOOST_TEST(escaped("a<b & \"c\">\x01") == "a&lt;b &amp; &quot;c&quot;&gt;");
  Svg svg(10, 10, "\"><script>");
  svg.text(1, 2, "</text><script>");
  svg.rectangle(0, 0, 1, 1, "bar", "</title>");
  BOOST_TEST(count(svg.element(), "<script>") == 0U);
  BOOST_TEST(count(svg.element(), "<title>&lt;/title&gt;</title>") == 1U);
}

BOOST_AUTO_TEST_CASE(coordinates_are_plain_decimals) {
  BOOST_TEST(coordinate(1.0 / 3) == "0.33");
  BOOST_TEST(coordinate(-0.001) == "0");
  BOOST_TEST(coordinate(1e6) == "1000000");
  BOOST_TEST(coordinate(1e-7) == "0");
  BOOST_TEST(coordinate(missing) == "0");
}

BOOST_AUTO_TEST_CASE(long_text_is_cut_by_letters) {
  BOOST_TEST(fitted("backprop", 200) == "backprop");
  const std::string cut = fitted("ååååååååååååååååååå", 60);
  BOOST_TEST(text_width(cut) <= 60);
  BOOST_TEST(cut.substr(cut.size() - 3) == "…");
  BOOST_TEST(cut.substr(0, 4) == "åå");
}

BOOST_AUTO_TEST_CASE(labels_stay_in_the_picture) {
  Svg svg(100, 50, "picture");
  LabelRow row(svg, 40, 5);
  row.add(30, "0.005");
  row.add(98, "0.0055");
  const double half = text_width("0.0055", 11) / 2;
  BOOST_TEST(half > 2);
  BOOST_TEST(count(svg.element(), strata::cat(" x=\"", coordinate(30), "\"")) == 1U);
  BOOST_TEST(count(svg.element(), strata::cat(" x=\"", coordinate(100 - half), "\"")) == 1U);
}

BOOST_AUTO_TEST_CASE(ticks_are_round) {
  const auto all = [](std::vector<double> v) { return v; };
  BOOST_TEST(ticks({0, 2, false, ""}, 5) == all({0, 0.5, 1, 1.5, 2}), boost::test_tools::per_element());
  BOOST_TEST(ticks({0.4, 3.6, false, "", true}, 9) == all({1, 2, 3}), boost::test_tools::per_element());
  BOOST_TEST(ticks({0, 10, false, "", true}, 4) == all({0, 5, 10}), boost::test_tools::per_element());
  BOOST_TEST(ticks({0, 100, false, "", false, 45}, 4) == all({0, 45, 90}), boost::test_tools::per_element());
  BOOST_TEST(ticks({1e-5, 1, true, ""}, 8).size() == 6U);
  BOOST_TEST(ticks({0.02, 0.3, true, ""}, 8) == all({0.02, 0.05, 0.1, 0.2}), boost::test_tools::tolerance(1e-12)
                                                                                 << boost::test_tools::per_element());
  BOOST_TEST(tick_text(1e-5, {1e-6, 1, true, ""}) == "10⁻⁵");
  BOOST_TEST(tick_text(-0.25, {-1, 1}) == "−0.25");
  BOOST_TEST(tick_text(20000, {0, 30000}) == "20,000");
}

BOOST_AUTO_TEST_CASE(an_axis_holds_what_is_finite) {
  const std::vector<double> values{missing, -1, 3, std::numeric_limits<double>::infinity()};
  const Axis axis = axis_over(values, "x");
  BOOST_TEST(axis.low < -1);
  BOOST_TEST(axis.high > 3);
  BOOST_TEST(axis.high < 4);
  const Axis log = axis_over(values, "x", true);
  BOOST_TEST(log.low < 3);
  BOOST_TEST(log.low > 0);
  const Axis none = axis_over(std::vector<double>{missing}, "x", true);
  BOOST_TEST(none.low > 0);
  BOOST_TEST(none.high > none.low);
  const Axis one = axis_over(std::vector<double>{5, 5}, "x");
  BOOST_TEST(one.high > one.low);
}

BOOST_AUTO_TEST_CASE(a_panel_maps_its_axes) {
  Svg svg(200, 200, "");
  const Panel panel(svg, square, {0, 10}, {1, 100, true}, "");
  BOOST_TEST(panel.x(0) == 50);
  BOOST_TEST(panel.x(10) == 150);
  BOOST_TEST(panel.y(1) == 120);
  BOOST_TEST(panel.y(10) == 70, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(panel.x(99) == 150);  // at the edge
}

BOOST_AUTO_TEST_CASE(what_has_no_place_interrupts_a_line) {
  Svg svg(200, 200, "");
  Panel panel(svg, square, {0, 10}, {1, 100, true}, "");
  const std::vector<double> x{0, 1, 2, 3, 4, 5}, y{1, 2, missing, 3, 0, 4};
  panel.curve(x, y, "line l0");
  BOOST_TEST(count(svg.element(), "<polyline") == 1U);  // 0–1; 3 and 5 stand alone
  panel.dot(1, 0, "f0");
  panel.dot(missing, 5, "f0");
  BOOST_TEST(count(svg.element(), "<circle") == 0U);
  panel.band(x, y, y, "band b0");
  BOOST_TEST(count(svg.element(), "<polygon") == 1U);
  BOOST_TEST(count(svg.element(), "nan") == 0U);
}

BOOST_AUTO_TEST_CASE(a_file_stands_alone) {
  Svg svg(10, 10, "x");
  const std::string file = svg.file();
  BOOST_TEST(file.rfind("<?xml", 0) == 0U);
  BOOST_TEST(count(file, "<style>") == 1U);
  BOOST_TEST(count(svg.element(), "<style>") == 0U);
}

BOOST_AUTO_TEST_CASE(heat_runs_from_dark_to_light) {
  BOOST_TEST(heat_colour(0) == "#440154");
  BOOST_TEST(heat_colour(1) == "#fde725");
  BOOST_TEST(heat_colour(7) == heat_colour(1));
  BOOST_TEST(heat_colour(missing) == "#9aa0a8");
  BOOST_TEST(heat_is_dark(0.1));
  BOOST_TEST(!heat_is_dark(0.9));
}

BOOST_AUTO_TEST_CASE(a_legend_takes_the_lines_that_it_says) {
  const std::vector<LegendItem> items(6, {"backprop", "line l0"});
  Svg svg(300, 100, "");
  BOOST_TEST(legend(svg, 0, 0, 300, items) == legend_height(300, items));
  BOOST_TEST(legend_height(300, items) == 2 * 18);
  BOOST_TEST(legend_height(3000, items) == 18);
  BOOST_TEST(legend_height(300, {}) == 0);
}

BOOST_AUTO_TEST_CASE(an_image_is_what_it_was_made_of) {
  const std::vector<float> pixels{-1, 0, 0.5F, 1, 2, static_cast<float>(missing)};  // 1 × 2 × 3
  const std::string head = "data:image/png;base64,", data = png_data(pixels, 1, 2, 3);
  BOOST_REQUIRE(data.starts_with(head));
  std::string png;
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t i = head.size(); i < data.size(); i += 4) {
    std::uint32_t group = 0;
    int bytes = 3;
    for (std::size_t k = 0; k < 4; ++k) {
      bytes -= data[i + k] == '=';
      group = group << 6 | (data[i + k] == '=' ? 0U : static_cast<std::uint32_t>(digits.find(data[i + k])));
    }
    for (int k = 0; k < bytes; ++k) png += static_cast<char>(group >> (16 - 8 * k) & 255U);
  }
  BOOST_TEST(png.substr(1, 3) == "PNG");
  const auto number = [&](std::size_t at) {
    std::uint32_t n = 0;
    for (std::size_t k = 0; k < 4; ++k) n = n << 8 | static_cast<unsigned char>(png[at + k]);
    return n;
  };
  BOOST_TEST(number(8) == 13U);
  BOOST_TEST(png.substr(12, 4) == "IHDR");
  BOOST_TEST(number(16) == 3U);  // width
  BOOST_TEST(number(20) == 2U);
  BOOST_TEST(number(29) == crc32(0, reinterpret_cast<const Bytef*>(png.data() + 12), 17));
  BOOST_TEST(png.substr(37, 4) == "IDAT");
  std::vector<Bytef> rows(8);
  uLongf size = rows.size();
  BOOST_REQUIRE(uncompress(rows.data(), &size, reinterpret_cast<const Bytef*>(png.data() + 41), number(33)) == Z_OK);
  BOOST_TEST(rows == (std::vector<Bytef>{0, 0, 0, 128, 0, 255, 255, 0}), boost::test_tools::per_element());
  BOOST_TEST(png.substr(png.size() - 8, 4) == "IEND");
  // Colours lie side by side in the file, one after the other in the data.
  BOOST_TEST(png_data(std::vector<float>{1, 0, 0}, 3, 1, 1) != png_data(std::vector<float>{0, 1, 0}, 3, 1, 1));
  BOOST_CHECK_THROW(png_data(pixels, 2, 1, 3), strata::ShapeError);
  BOOST_CHECK_THROW(png_data(pixels, 1, 2, 2), strata::ShapeError);
}
