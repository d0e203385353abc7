// Every measure on nets small enough to work it out by hand. What holds for any net: test_hierarchy_invariants.cpp.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numbers>
#include <set>

#include "framework/analysis/trophic.hpp"
#include "framework/core/errors.hpp"
#include "tests/analysis/small_net.hpp"
#include "tests/support/says.hpp"

using namespace strata;
using strata::testing::mlp;
using strata::testing::rows;
using strata::testing::says;
using strata::testing::SmallNet;

namespace {

constexpr Scaling all_scalings[] = {Scaling::raw, Scaling::scaled, Scaling::unit};
constexpr double none = quiet_nan;
constexpr double tight = 2e-6;  // of float

/// Two features that are ±1, without a mean and uncorrelated: c₁x₁ + c₂x₂ has the standard deviation √(c₁² + c₂²).
Matrix crossed() { return rows({{1, 1, -1, -1}, {1, -1, 1, -1}}); }

class Checker {
 public:
  explicit Checker(const HierarchyValues& values) : values_(values) {}

  /// Of a measure with distances.
  void distances(const std::string& name, Scaling scaling, bool with_input,
                 const std::vector<std::vector<double>>& by_layer) {
    BOOST_REQUIRE(by_layer.size() == values_.layers() - 1);
    for (std::size_t l = 1; l < values_.layers(); ++l) {
      BOOST_REQUIRE(by_layer[l - 1].size() == static_cast<std::size_t>(values_.depth()));
      for (int d = 1; d <= values_.depth(); ++d) {
        one(name, scaling, with_input, l, d, by_layer[l - 1][static_cast<std::size_t>(d - 1)]);
      }
    }
  }
  /// Of a measure of layers.
  void layers(const std::string& name, Scaling scaling, bool with_input, const std::vector<double>& by_layer) {
    BOOST_REQUIRE(by_layer.size() == values_.layers() - 1);
    for (std::size_t l = 1; l < values_.layers(); ++l) one(name, scaling, with_input, l, 1, by_layer[l - 1]);
  }
  /// Every value of the measure in a scaling is NaN.
  void nothing(const std::string& name, Scaling scaling, bool with_input) {
    for (std::size_t l = 1; l < values_.layers(); ++l) {
      for (int d = 1; d <= values_.depth(); ++d) one(name, scaling, with_input, l, d, none);
    }
  }

 private:
  void one(const std::string& name, Scaling scaling, bool with_input, std::size_t layer, int distance,
           double expected) {
    const double found = values_.at(measure_index(name), scaling, with_input, layer, distance);
    BOOST_TEST_INFO(name << " " << scaling_names[static_cast<std::size_t>(scaling)] << (with_input ? ", input" : "")
                         << ", layer " << layer << ", distance " << distance << ": " << found << ", by hand "
                         << expected);
    if (std::isnan(expected)) {
      BOOST_TEST(std::isnan(found));
    } else {
      BOOST_TEST(std::abs(found - expected) <= tight * std::max(1.0, std::abs(expected)));
    }
  }
  const HierarchyValues& values_;
};

/// 2-2-2-1 without biases or activation functions. x = crossed(), W the weights of h1, h2, logits:
///   h1 = (2x₁ + x₂, 3x₂)                    σ √5, 3
///   h2 = (3h1₁ + h1₂, h1₁ − 2h1₂) = (6x₁ + 6x₂, 2x₁ − 5x₂)     σ √72, √29
///   out = h2₁ + 2h2₂ = 10x₁ − 4x₂           σ √116
/// so that J is  out: h2 (1, 2), h1 (5, −3), input (10, −4);  h2: h1 (3, 1), (1, −2), input (6, 6), (2, −5);
///               h1: input (2, 1), (0, 3).
GraphSpec linear_spec() { return mlp_graph(mlp({2, 2, 2, 1})); }
void set_linear(SmallNet& s) {
  s.value("h1.weight") = rows({{2, 1}, {0, 3}});
  s.value("h2.weight") = rows({{3, 1}, {1, -2}});
  s.value("logits.weight") = rows({{1, 2}});
}

Hierarchy measure(const SmallNet& s, int k, const InfluenceOptions& options = {}, bool attribute_input = false) {
  return measure_hierarchy(s.analysis(options),
                           {.k = k, .targets = s.all_targets(), .attribute_input = attribute_input});
}

}  // namespace

BOOST_AUTO_TEST_CASE(where_the_strongest_lie) {
  SmallNet s(linear_spec(), crossed());
  set_linear(s);
  const Hierarchy found = measure(s, 3);
  Checker of(found.values);
  const double t = 1.0 / 3;
  // Layer 1 has the two features for candidates, layer 2 without the input the two of h1: fewer than three.
  // Layer 2 with it: 3, 1 | 6, 6 and 1, 2 | 2, 5: one of the three strongest is of h1 for both targets.
  // out: 1, 2 | 5, 3 | 10, 4.
  of.distances("topk_fraction", Scaling::raw, false, {{none, none, none}, {none, none, none}, {t, 2 * t, none}});
  of.distances("topk_fraction", Scaling::raw, true, {{none, none, none}, {t, 2 * t, none}, {0, t, 2 * t}});
  of.layers("prior_fraction", Scaling::raw, false, {none, none, t});
  of.layers("prior_fraction", Scaling::raw, true, {none, t, 0});
  of.layers("enrichment", Scaling::raw, false, {none, none, t / (2.0 / 4)});
  of.layers("enrichment", Scaling::raw, true, {none, t / (2.0 / 4), 0});
  of.layers("adjusted", Scaling::raw, false, {none, none, (t - 0.5) / 0.5});
  of.layers("adjusted", Scaling::raw, true, {none, (t - 0.5) / 0.5, (0 - t) / (1 - t)});
  of.layers("expected_distance", Scaling::raw, false, {none, none, 5 * t});
  of.layers("expected_distance", Scaling::raw, true, {none, 5 * t, 8 * t});
  of.layers("expected_distance_ratio", Scaling::raw, false, {none, none, 5 * t / 1.5});
  of.layers("expected_distance_ratio", Scaling::raw, true, {none, 5 * t / 1.5, 8 * t / 2});
  // Times σ of the source (the target's is the same for all): out: √72, 2√29 | 5√5, 9 | 10, 4, that is 8.5, 10.8 |
  // 11.2, 9 | 10, 4. h2: 3√5, 3 | 6, 6 and √5, 6 | 2, 5: (6.7, 3 | 6, 6) and (2.2, 6 | 2, 5).
  of.distances("topk_fraction", Scaling::scaled, false, {{none, none, none}, {none, none, none}, {t, 2 * t, none}});
  of.distances("topk_fraction", Scaling::scaled, true, {{none, none, none}, {1.5 * t, 1.5 * t, none}, {t, t, t}});
  of.layers("prior_fraction", Scaling::scaled, true, {none, 0.5, t});
  of.layers("enrichment", Scaling::scaled, true, {none, 1, 1});
  of.layers("expected_distance", Scaling::scaled, true, {none, 1.5, 2});
  // A layer's norm taken out: (0.45, 0.89) | (0.86, 0.51) | (0.93, 0.37).
  // h2: (0.95, 0.32 | 0.71, 0.71) and (0.45, 0.89 | 0.37, 0.93).
  of.distances("topk_fraction", Scaling::unit, false, {{none, none, none}, {none, none, none}, {t, 2 * t, none}});
  of.distances("topk_fraction", Scaling::unit, true, {{none, none, none}, {1.5 * t, 1.5 * t, none}, {t, t, t}});
  of.layers("expected_distance_ratio", Scaling::unit, true, {none, 1, 1});
  // Nothing goes through skips.
  for (const Scaling scaling : all_scalings) {
    for (const bool with_input : {false, true}) {
      for (const auto& [plain, mediated] : {std::pair("topk_fraction", "topk_fraction_mediated"),
                                            std::pair("prior_fraction", "prior_fraction_mediated")}) {
        for (std::size_t l = 1; l <= 3; ++l) {
          for (int d = 1; d <= 3; ++d) {
            const double a = found.values.at(measure_index(plain), scaling, with_input, l, d);
            const double b = found.values.at(measure_index(mediated), scaling, with_input, l, d);
            BOOST_TEST((a == b || (std::isnan(a) && std::isnan(b))));
          }
        }
      }
    }
  }
  BOOST_TEST(found.targets == (std::vector<std::int32_t>{2, 2, 1}), boost::test_tools::per_element());
  BOOST_TEST(found.dead == (std::vector<std::int32_t>{0, 0, 0}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(where_all_candidates_are_of_the_prior_layer) {
  SmallNet s(linear_spec(), crossed());
  set_linear(s);
  const Hierarchy found = measure(s, 2);
  Checker of(found.values);
  // raw: 1, 2 | 5, 3; scaled: 8.5, 10.8 | 11.2, 9; unit: 0.45, 0.89 | 0.86, 0.51.
  of.layers("prior_fraction", Scaling::raw, false, {none, 1, 0});
  of.layers("prior_fraction", Scaling::scaled, false, {none, 1, 0.5});
  of.layers("prior_fraction", Scaling::unit, false, {none, 1, 0.5});
  of.layers("prior_fraction", Scaling::raw, true, {1, 0, 0});
  of.layers("enrichment", Scaling::raw, false, {none, 1, 0});
  of.layers("adjusted", Scaling::raw, false, {none, none, -1});  // P₀ = 1 in layer 2
  of.layers("adjusted", Scaling::raw, true, {none, -1, -0.5});   // P₀ = 1 in layer 1
  of.layers("expected_distance", Scaling::raw, false, {none, 1, 2});
  of.layers("expected_distance_ratio", Scaling::raw, false, {none, 1, 2 / 1.5});
}

BOOST_AUTO_TEST_CASE(mass_and_its_decay) {
  SmallNet s(linear_spec(), crossed());
  set_linear(s);
  const Hierarchy found = measure(s, 3);
  Checker of(found.values);
  // Squares: h1: input (4 + 1 + 0 + 9)/4; h2: h1 (9 + 1 + 1 + 4)/4, input (36 + 36 + 4 + 25)/4;
  // out: h2 (1 + 4)/2, h1 (25 + 9)/2, input (100 + 16)/2.
  of.distances("jacobian_mass", Scaling::raw, true, {{3.5, none, none}, {3.75, 25.25, none}, {2.5, 17, 58}});
  of.distances("jacobian_mass", Scaling::raw, false, {{none, none, none}, {3.75, none, none}, {2.5, 17, none}});
  // out: times σ_i²/116: h2 (72 + 4·29)/2, h1 (25·5 + 9·9)/2, input (100 + 16)/2.
  // h2: (9·5 + 9)/72 and (5 + 4·9)/29, over 4; input 72/72 and 29/29, over 4. h1: 5/5 and 9/9, over 4.
  const double near = (54.0 / 72 + 41.0 / 29) / 4;
  of.distances("jacobian_mass", Scaling::scaled, true,
               {{0.5, none, none}, {near, 0.5, none}, {188.0 / 232, 206.0 / 232, 0.5}});
  // Through three points at 1, 2, 3: slope (y₃ − y₁)/2, residual squares (y₁ − 2y₂ + y₃)²/6.
  const auto check = [&](Scaling scaling, double m1, double m2, double m3) {
    const double y1 = std::log(m1), y2 = std::log(m2), y3 = std::log(m3), mean = (y1 + y2 + y3) / 3;
    const double rate = -(y3 - y1) / 2, residual = std::pow(y1 - 2 * y2 + y3, 2) / 6;
    const double around = std::pow(y1 - mean, 2) + std::pow(y2 - mean, 2) + std::pow(y3 - mean, 2);
    const double t = std::tan(std::numbers::pi * 0.475);  // Student's with one degree of freedom
    const double half = t * std::sqrt(residual / 2);
    of.layers("decay_rate", scaling, true, {none, none, rate});
    of.layers("decay_rate_low", scaling, true, {none, none, rate - half});
    of.layers("decay_rate_high", scaling, true, {none, none, rate + half});
    of.layers("decay_r2", scaling, true, {none, none, 1 - residual / around});
  };
  check(Scaling::raw, 2.5, 17, 58);
  check(Scaling::scaled, 188.0 / 232, 206.0 / 232, 0.5);
  for (const char* name : {"decay_rate", "decay_rate_low", "decay_rate_high", "decay_r2"}) {
    of.nothing(name, Scaling::raw, false);  // two distances at most
    of.nothing(name, Scaling::scaled, false);
    of.nothing(name, Scaling::unit, true);
  }
  const auto entropy = [](const std::vector<double>& masses) {
    double all = 0, sum = 0;
    for (const double m : masses) all += m;
    for (const double m : masses) sum -= m / all * std::log(m / all);
    return sum / std::log(static_cast<double>(masses.size()));
  };
  of.layers("mass_entropy", Scaling::raw, true, {none, entropy({3.75, 25.25}), entropy({2.5, 17, 58})});
  of.layers("mass_entropy", Scaling::raw, false, {none, none, entropy({2.5, 17})});
  of.layers("mass_entropy", Scaling::scaled, false, {none, none, entropy({188, 206})});
  // Units of a layer brought to one length have no mass: measures 1–3 and 7 alone have a value.
  for (const char* name : {"jacobian_mass", "mass_entropy", "skip_share"}) {
    of.nothing(name, Scaling::unit, false);
    of.nothing(name, Scaling::unit, true);
  }
}

BOOST_AUTO_TEST_CASE(how_many_sources_count) {
  SmallNet s(linear_spec(), crossed());
  set_linear(s);
  const Hierarchy found = measure(s, 3);
  Checker of(found.values);
  // (Σ I)²/Σ I². h1: 9/5 and 9/9. h2: h1 16/10 and 9/5, input 144/72 and 49/29. out: 9/5, 64/34, 196/116.
  const std::vector<std::vector<double>> with{
      {(1.8 + 1) / 2, none, none}, {(1.6 + 1.8) / 2, (2 + 49.0 / 29) / 2, none}, {1.8, 64.0 / 34, 196.0 / 116}};
  std::vector<std::vector<double>> without = with;
  without[0][0] = without[1][1] = without[2][2] = none;
  for (const Scaling scaling : {Scaling::raw, Scaling::unit}) {  // within a layer, its norm makes no difference
    of.distances("influence_pr", scaling, true, with);
    of.distances("influence_pr", scaling, false, without);
  }
  const double s5 = std::sqrt(5.0), s29 = std::sqrt(29.0), s72 = std::sqrt(72.0);
  const auto pr = [](double a, double b) { return (a + b) * (a + b) / (a * a + b * b); };
  of.distances(
      "influence_pr", Scaling::scaled, false,
      {{none, none, none}, {(pr(3 * s5, 3) + pr(s5, 6)) / 2, none, none}, {pr(s72, 2 * s29), pr(5 * s5, 9), none}});
}

BOOST_AUTO_TEST_CASE(the_null_by_layer_size) {
  MlpSpec spec = mlp({4, 3, 2, 6, 1});
  const SmallNet s(mlp_graph(spec), strata::testing::normal(4, 20, "x"));
  const Hierarchy found = measure(s, 3);
  Checker of(found.by_layer_size);
  for (const Scaling scaling : all_scalings) {
    for (const char* name : {"topk_fraction", "topk_fraction_mediated"}) {
      of.distances(name, scaling, true,
                   {{1, none, none, none},
                    {3.0 / 7, 4.0 / 7, none, none},
                    {2.0 / 9, 3.0 / 9, 4.0 / 9, none},
                    {6.0 / 15, 2.0 / 15, 3.0 / 15, 4.0 / 15}});
    }
    // h3 has five hidden candidates, h2 the three of h1.
    for (const char* name : {"prior_fraction", "prior_fraction_mediated"}) {
      of.layers(name, scaling, false, {none, 1, 2.0 / 5, 6.0 / 11});
    }
    of.layers("enrichment", scaling, true, {1, 1, 1, 1});
    of.layers("adjusted", scaling, true, {none, 0, 0, 0});
    of.layers("expected_distance", scaling, false, {none, 1, 8.0 / 5, (6 + 2 * 2 + 3 * 3) / 11.0});
    of.layers("expected_distance_ratio", scaling, true, {1, 1, 1, 1});
    for (const Measure& m : hierarchy_measures()) {
      if (!m.by_layer_size) of.nothing(m.name, scaling, true);
    }
  }
}

BOOST_AUTO_TEST_CASE(dead_neurons_are_left_out_and_counted) {
  // h1₂ is 5 for every example, with a large influence on all that follows; h2₂ is 7 and has no influence.
  MlpSpec spec = mlp({2, 3, 2, 1});
  spec.bias = true;
  SmallNet s(mlp_graph(spec), crossed());
  s.value("h1.weight") = rows({{1, 0}, {0, 0}, {1, 1}});
  s.value("h1.bias") = rows({{0}, {5}, {0}});
  s.value("h2.weight") = rows({{2, 100, 1}, {0, 0, 0}});
  s.value("h2.bias") = rows({{0}, {7}});
  s.value("logits.weight") = rows({{3, 50}});
  const Hierarchy found = measure(s, 2);
  BOOST_TEST(found.dead == (std::vector<std::int32_t>{1, 1, 0}), boost::test_tools::per_element());
  BOOST_TEST(found.targets == (std::vector<std::int32_t>{2, 1, 1}), boost::test_tools::per_element());
  Checker of(found.values);
  // out: h2 3 | h1 6, 3 | input 9, 3. Without the dead ones: two of h1, since of equals the one further back is first.
  of.distances("topk_fraction", Scaling::raw, false, {{none, none, none}, {1, none, none}, {0, 1, none}});
  of.layers("enrichment", Scaling::raw, false, {none, 1, 0});
  of.distances("jacobian_mass", Scaling::raw, true, {{0.75, none, none}, {2.5, 5, none}, {9, 22.5, 45}});
  of.distances("influence_pr", Scaling::raw, true,
               {{1.5, none, none}, {9.0 / 5, 16.0 / 10, none}, {1, 81.0 / 45, 144.0 / 90}});
  Checker null(found.by_layer_size);
  null.distances("topk_fraction", Scaling::scaled, true,
                 {{1, none, none}, {2.0 / 4, 2.0 / 4, none}, {1.0 / 5, 2.0 / 5, 2.0 / 5}});

  BOOST_REQUIRE(found.neurons.size() == 6u);
  for (const NeuronAttribution& n : found.neurons) {
    const bool dead = n.neuron.unit == 1 && n.neuron.layer < 3;
    BOOST_TEST(n.dead == dead);
    if (!dead) continue;
    BOOST_TEST(n.raw.empty());
    BOOST_TEST(n.scaled.empty());
    BOOST_TEST(std::isnan(n.prior_fraction));
    BOOST_TEST(std::isnan(n.hypergeometric_p));
  }
  // A layer whose targets are all dead has no values.
  s.value("logits.weight").setZero();
  const Hierarchy silent = measure(s, 2);
  BOOST_TEST(silent.targets.back() == 0);
  BOOST_TEST(silent.dead.back() == 1);
  for (const Measure& m : hierarchy_measures()) {
    for (const Scaling scaling : all_scalings) {
      for (int d = 1; d <= 3; ++d) BOOST_TEST(std::isnan(silent.values.at(measure_index(m.name), scaling, true, 3, d)));
    }
  }
}

BOOST_AUTO_TEST_CASE(attributions) {
  SmallNet s(linear_spec(), crossed());
  set_linear(s);
  const Hierarchy hidden = measure(s, 3), all = measure(s, 2, {}, true);
  BOOST_REQUIRE(hidden.neurons.size() == 5u);
  const auto check = [](const std::vector<TopSource>& found, const std::vector<TopSource>& expected) {
    BOOST_REQUIRE(found.size() == expected.size());
    for (std::size_t r = 0; r < found.size(); ++r) {
      BOOST_TEST(found[r].layer == expected[r].layer);
      BOOST_TEST(found[r].unit == expected[r].unit);
      BOOST_TEST(std::abs(found[r].score - expected[r].score) < tight * 10);
      BOOST_TEST(std::abs(found[r].signed_score - expected[r].signed_score) < tight * 10);
    }
  };
  const double sd = std::sqrt(116.0);
  const NeuronAttribution& out = hidden.neurons.back();
  BOOST_TEST(out.neuron.layer == 3u);
  BOOST_TEST(out.neuron.unit == 0);
  check(out.raw, {{1, 0, 5, 5}, {1, 1, 3, -3}, {2, 1, 2, 2}});
  const double s5 = std::sqrt(5.0), s29 = std::sqrt(29.0);
  check(out.scaled, {{1, 0, 5 * s5 / sd, 5 * s5 / sd}, {2, 1, 2 * s29 / sd, 2 * s29 / sd}, {1, 1, 9 / sd, -9 / sd}});
  BOOST_TEST(std::abs(out.prior_fraction - 1.0 / 3) < 1e-12);
  BOOST_TEST(out.hypergeometric_p == 1.0);  // of four candidates, three: at least one of the two of h2
  // Fewer than k candidates: those that there are, and no fraction.
  check(hidden.neurons[3].raw, {{1, 1, 2, -2}, {1, 0, 1, 1}});
  BOOST_TEST(std::isnan(hidden.neurons[3].prior_fraction));
  BOOST_TEST(hidden.neurons[0].raw.empty());
  // With the input: 10 and 5 raw, 5√5 and 2√29 scaled. One of two among two of six: 1 − (4·3)/(6·5).
  check(all.neurons.back().raw, {{0, 0, 10, 10}, {1, 0, 5, 5}});
  check(all.neurons.back().scaled, {{1, 0, 5 * s5 / sd, 5 * s5 / sd}, {2, 1, 2 * s29 / sd, 2 * s29 / sd}});
  BOOST_TEST(all.neurons.back().prior_fraction == 0.5);
  BOOST_TEST(std::abs(all.neurons.back().hypergeometric_p - 0.6) < 1e-12);
}

// J differs from example to example: means of absolute values and of squares are not those of the mean.
BOOST_AUTO_TEST_CASE(means_over_examples) {
  // out = relu(x) − relu(−x)·3 by h1 = (x, −x), for x = 1, 2, −1: ∂out/∂x = 1, 1, 3.
  SmallNet s(mlp_graph(mlp({1, 2, 1}, "relu")), rows({{1, 2, -1}}));
  s.value("h1.weight") = rows({{1}, {-1}});
  s.value("logits.weight") = rows({{1, -3}});
  const Hierarchy found = measure(s, 1, {}, true);
  Checker of(found.values);
  // h1 by x: 1, 1, 0 and 0, 0, −1. out by h1: 1 and −3, which is a weight; by x: 1, 1, 3.
  of.distances("jacobian_mass", Scaling::raw, true, {{(2.0 / 3 + 1.0 / 3) / 2, none}, {5, 11.0 / 3}});
  const TopSource top = found.neurons[1].raw.at(0);
  BOOST_TEST(std::abs(top.score - 1.0 / 3) < tight);
  BOOST_TEST(std::abs(top.signed_score + 1.0 / 3) < tight);
  // The strongest of out: h1₂ by 3, then x by 5/3.
  BOOST_TEST(found.neurons[2].raw.at(0).layer == 1u);
  BOOST_TEST(found.neurons[2].raw.at(0).unit == 1);
}

// An add without weights joins two layers of one depth: each is 0 from the other, and none of its candidates.
BOOST_AUTO_TEST_CASE(sources_as_deep_as_the_target_are_no_candidates) {
  const auto dense = [](const char* name, const char* input, int units) {
    return NodeSpec{name, "dense", {input}, {{"units", units}, {"bias", false}}};
  };
  const GraphSpec spec{{2},
                       {dense("left", "input", 2),
                        {"left_on", "tanh", {"left"}},
                        dense("right", "input", 2),
                        {"sum", "add", {"right", "left_on"}},
                        {"both", "concat", {"sum", "left_on"}},
                        dense("out", "both", 1)},
                       "out"};
  const SmallNet s(spec, crossed());
  const std::size_t right = s.neurons.find("right");
  BOOST_TEST(s.neurons.upstream(right, s.neurons.find("left")));
  BOOST_TEST(s.neurons.distance(right, s.neurons.find("left")) == 0);
  const Hierarchy found = measure(s, 2);
  const std::size_t topk = measure_index("topk_fraction");
  BOOST_TEST(found.values.at(topk, Scaling::raw, true, right, 1) == 1);
  BOOST_TEST(found.by_layer_size.at(topk, Scaling::raw, true, right, 1) == 1);
  BOOST_TEST(std::isnan(found.values.at(topk, Scaling::raw, false, right, 1)));
}

BOOST_AUTO_TEST_CASE(skips_by_depth_and_by_way) {
  // 2-2-2-2 with a skip from h1 to the output: out = W₃h2 + h1. J without the skip, of what comes through it, and both:
  //   out by h1     (0.75, 0.375), (0, −0.75)    (1, 0), (0, 1)    (1.75, 0.375), (0, 0.25)
  //   out by input  (1.5, 0.375), (0, −0.75)     (2, 0), (0, 1)    (3.5, 0.375), (0, 0.25)
  // and out by h2 (1.5, 0), (0, −3). h1 lies at distance 2 of the output, by depth, though the skip leads there.
  MlpSpec spec = mlp({2, 2, 2, 2});
  spec.skips = {{1, 3}};
  SmallNet s(mlp_graph(spec), crossed());
  s.value("h1.weight") = rows({{2, 0}, {0, 1}});
  s.value("h2.weight") = rows({{0.5, 0.25}, {0, 0.25}});
  s.value("h3.weight") = rows({{1.5, 0}, {0, -3}});
  const Hierarchy found = measure(s, 1, {.split_skips = true});
  Checker of(found.values);
  of.distances("jacobian_mass", Scaling::raw, true,
               {{1.25, none, none}, {0.375 / 4, 1.125 / 4, none}, {11.25 / 4, 3.265625 / 4, 12.453125 / 4}});
  of.distances("skip_share", Scaling::raw, true, {{0, none, none}, {0, 0, none}, {0, 2 / 3.875, 3 / 5.625}});
  of.distances("skip_share", Scaling::raw, false, {{none, none, none}, {0, none, none}, {0, 2 / 3.875, none}});
  // σ of h1 is 2 and 1, of the output √(3.5² + 0.375²) and 0.25.
  const double sd = std::sqrt(12.390625);
  const double through = 2 / sd + 1 / 0.25, mediated = (1.5 + 0.375) / sd + 0.75 / 0.25;
  of.distances("skip_share", Scaling::scaled, false,
               {{none, none, none}, {0, none, none}, {0, through / (through + mediated), none}});
  // The strongest of out₁ is h1₁ by 1.75 with the skip, h2₁ by 1.5 without; of out₂ it is h2₂ both times.
  of.distances("topk_fraction", Scaling::raw, false, {{none, none, none}, {1, none, none}, {0.5, 0.5, none}});
  of.distances("topk_fraction_mediated", Scaling::raw, false, {{none, none, none}, {1, none, none}, {1, 0, none}});
  of.layers("prior_fraction", Scaling::raw, false, {none, 1, 0.5});
  of.layers("prior_fraction_mediated", Scaling::raw, false, {none, 1, 1});
  // out₂ = h1₂ has no influence from h2 of which to count the sources: the mean is over out₁ alone.
  s.value("h3.weight") = rows({{1.5, 0}, {0, 0}});
  const Hierarchy only_skip = measure(s, 1, {.split_skips = true});
  Checker of_only(only_skip.values);
  of_only.distances("influence_pr", Scaling::raw, false,
                    {{none, none, none}, {(9.0 / 5 + 1) / 2, none, none}, {1, (4.515625 / 3.203125 + 1) / 2, none}});
}
