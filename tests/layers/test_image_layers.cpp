// Pooling, padding and resizing by hand, and what is special about their values. In double.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numeric>

#include "framework/core/errors.hpp"
#include "framework/graph/graph.hpp"
#include "tests/support/layer_trial.hpp"
#include "tests/support/says.hpp"

using namespace strata;
using strata::testing::LayerTrial;
using strata::testing::says;
using strata::testing::zeros;
using Json = nlohmann::ordered_json;

namespace {

constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();
constexpr double lowest = -std::numeric_limits<double>::infinity();

LayerTrial trial(const std::string& type, const Json& attributes, const Shape& image, Index batch = 1) {
  Attributes a("node", attributes);
  const auto layer = builtin_layers().at(type).make(a);
  a.finish();
  return {layer, {image}, batch};
}

using Numbers = std::vector<double>;

Numbers numbers(const Matrix& m) { return {m.data(), m.data() + m.size()}; }

struct Result {
  Numbers y, dx;
};

/// Output for one image of one channel, and the derivative by it of Σ (k + 1) y(k).
Result run(const std::string& type, const Json& attributes, Index height, Index width, const Numbers& x) {
  LayerTrial t = trial(type, attributes, {1, height, width});
  BOOST_REQUIRE(static_cast<Index>(x.size()) == t.x[0].size());
  std::copy(x.begin(), x.end(), t.x[0].data());
  std::iota(t.dy.data(), t.dy.data() + t.dy.size(), 1.0);
  t.forward();
  std::vector<Matrix> dx = zeros(t.x);
  t.pull_back(t.w, t.dy, dx);
  return {numbers(t.y), numbers(dx[0])};
}

}  // namespace

BOOST_AUTO_TEST_CASE(max_pool_by_hand) {
  // The last row and column are in no window.
  const Result pairs = run("max_pool", {{"size", 2}}, 3, 5, {1, 4, -5, -6, 9, 3, 2, -8, -7, 9, 9, 9, 9, 9, 9});
  BOOST_TEST(pairs.y == Numbers({4, -5}));
  BOOST_TEST(pairs.dx == Numbers({0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
  // Padding is never the largest, be all numbers negative; a pixel can win in several windows.
  const Result padded =
      run("max_pool", {{"size", 3}, {"stride", 2}, {"padding", 1}}, 3, 3, {-9, -8, -7, -6, -1, -4, -3, -2, -5});
  BOOST_TEST(padded.y == Numbers({-1, -1, -1, -1}));
  BOOST_TEST(padded.dx == Numbers({0, 0, 0, 0, 1 + 2 + 3 + 4, 0, 0, 0, 0}));
}

// Both loops: that for pairs, in a row shorter and longer than its block, and the general one.
BOOST_AUTO_TEST_CASE(of_equal_ones_the_first_wins_and_nan_is_not_lost) {
  for (const Json& attributes : {Json{{"size", 2}}, Json{{"size", {2, 2}}, {"stride", {2, 3}}}}) {
    for (const Index windows : {1, 11}) {
      const Index stride = attributes.contains("stride") ? 3 : 2, width = stride * windows;
      const auto winner = [&](const Numbers& window) {
        Numbers x(static_cast<std::size_t>(2 * width), 100);
        for (Index j = 0; j < windows; ++j) {
          for (Index p = 0; p < 4; ++p)
            x[static_cast<std::size_t>(p / 2 * width + j * stride + p % 2)] = window[static_cast<std::size_t>(p)];
        }
        const Result r = run("max_pool", attributes, 2, width, x);
        std::vector<Index> places;
        for (Index j = 0; j < windows; ++j) {
          for (Index p = 0; p < 4; ++p) {
            const auto at = static_cast<std::size_t>(p / 2 * width + j * stride + p % 2);
            if (r.dx[at] == 0) continue;
            places.push_back(p);
            BOOST_TEST(r.dx[at] == static_cast<double>(j + 1));
            const double y = r.y[static_cast<std::size_t>(j)];
            BOOST_TEST((y == x[at] || (std::isnan(y) && std::isnan(x[at]))));
          }
        }
        BOOST_TEST(static_cast<Index>(places.size()) == windows);
        for (const Index p : places) BOOST_TEST(p == places[0]);
        return places[0];
      };
      BOOST_TEST_CONTEXT(attributes.dump() << ", " << windows) {
        BOOST_TEST(winner({1, 1, 1, 1}) == 0);
        BOOST_TEST(winner({0, 1, 1, 0}) == 1);
        BOOST_TEST(winner({0, 0, 1, 1}) == 2);
        BOOST_TEST(winner({0, 0, 1, 2}) == 3);
        BOOST_TEST(winner({lowest, lowest, lowest, lowest}) == 0);
        for (std::size_t first = 0; first < 4; ++first) {
          for (std::size_t second = first; second < 4; ++second) {
            Numbers window{5, 6, 7, 8};
            window[first] = window[second] = nan_value;
            BOOST_TEST(winner(window) == static_cast<Index>(first));
          }
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(average_pool_by_hand) {
  const Result pairs = run("average_pool", {{"size", 2}}, 2, 5, {1, 2, 3, 4, 9, 5, 6, 7, 8, 9});
  BOOST_TEST(pairs.y == Numbers({3.5, 5.5}));
  BOOST_TEST(pairs.dx == Numbers({0.25, 0.25, 0.5, 0.5, 0, 0.25, 0.25, 0.5, 0.5, 0}));
  // Zeros of the padding count.
  const Result padded = run("average_pool", {{"size", {1, 2}}, {"padding", {0, 1}}}, 1, 4, {2, 4, 6, 8});
  BOOST_TEST(padded.y == Numbers({1, 5, 4}));
  BOOST_TEST(padded.dx == Numbers({0.5, 1, 1, 1.5}));
  const Result all = run("global_average_pool", Json::object(), 3, 1, {2, 4, 9});
  BOOST_TEST(all.y == Numbers({5}));
}

BOOST_AUTO_TEST_CASE(zeros_by_hand) {
  const Result padded = run("zero_pad", {{"padding", {1, 2}}}, 1, 2, {7, 8});
  BOOST_TEST(padded.y == Numbers({0, 0, 0, 0, 0, 0, 0, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0}));
  BOOST_TEST(padded.dx == Numbers({9, 10}));
}

BOOST_AUTO_TEST_CASE(resized_by_hand) {
  const Result nearest = run("resize", {{"height", 1}, {"width", 5}}, 2, 3, {nan_value, 2, 3, 4, 5, 6});
  BOOST_TEST((std::isnan(nearest.y[0]) && std::isnan(nearest.y[1])));
  BOOST_TEST(Numbers(nearest.y.begin() + 2, nearest.y.end()) == Numbers({2, 2, 3}));  // NaN has not spread
  BOOST_TEST(nearest.dx == Numbers({1 + 2, 3 + 4, 5, 0, 0, 0}));
  const Json wider{{"height", 1}, {"width", 4}, {"mode", "bilinear"}};
  BOOST_TEST(run("resize", wider, 1, 2, {0, 4}).y == Numbers({0, 1, 3, 4}));
  BOOST_TEST(run("resize", wider, 1, 4, {3, 1, 4, 1}).y == Numbers({3, 1, 4, 1}));
}

// The graph binds its layers; an image that does not fit is named with its node.
BOOST_AUTO_TEST_CASE(in_a_graph) {
  const auto graph = [](Shape input) {
    GraphSpec spec{std::move(input), {}, "out"};
    spec.nodes.push_back({"wide", "resize", {"input"}, {{"height", 7}, {"width", 5}, {"mode", "bilinear"}}});
    spec.nodes.push_back({"edge", "zero_pad", {"wide"}, {{"padding", 1}}});
    spec.nodes.push_back({"small", "max_pool", {"edge"}, {{"size", 2}}});
    spec.nodes.push_back({"out", "dense", {"small"}, {{"units", 2}}});
    return spec;
  };
  GraphSpec spec = graph({2, 3, 4});
  spec.nodes.insert(spec.nodes.end() - 1, {"flat", "flatten", {"small"}});
  spec.nodes.back().inputs = {"flat"};
  const Graph g(spec);
  BOOST_TEST(to_string(g[g.find("small")].shape) == "[2, 4, 3]");
  const auto& pool = g[g.find("small")].layer;
  BOOST_TEST(pool->attributes().dump() == R"({"size":2,"stride":2,"padding":0})");
  BOOST_TEST(g[g.find("wide")].layer->attributes().dump() == R"({"height":7,"width":5,"mode":"bilinear"})");
  const Matrix x = strata::testing::drawn(2 * 9 * 7, 3, "x");
  Matrix y(2 * 4 * 3, 3);
  Aux aux;
  const View in = view(x);
  pool->forward({{}, "small"}, {}, {&in, 1}, mut_view(y), aux);
  // The last pixel of the last channel: rows 6 and 7, columns 4 and 5 of 9 × 7.
  BOOST_TEST(y(23, 2) == std::max({x(63 + 46, 2), x(63 + 47, 2), x(63 + 53, 2), x(63 + 54, 2)}));
  BOOST_CHECK_EXCEPTION(Graph(graph({12})), ShapeError, says({"'wide'", "resize", "[12]", "height"}));
}
