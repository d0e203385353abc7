// What the measures keep to on any net, and their nulls. By hand: test_hierarchy.cpp. Built in double, so that what is
// equal but for rounding is so to many digits.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "framework/analysis/statistics.hpp"
#include "framework/analysis/trophic.hpp"
#include "framework/core/errors.hpp"
#include "tests/analysis/small_net.hpp"
#include "tests/support/says.hpp"

using namespace strata;
using strata::testing::bytes;
using strata::testing::mlp;
using strata::testing::normal;
using strata::testing::says;
using strata::testing::SmallNet;

namespace {

constexpr Scaling all_scalings[] = {Scaling::raw, Scaling::scaled, Scaling::unit};

Hierarchy measure(const SmallNet& s, int k = 5) {
  const InfluenceAnalysis analysis = s.analysis({.split_skips = !s.neurons.skip_edges().empty()});
  Hierarchy found = measure_hierarchy(analysis, {.k = k, .targets = s.all_targets()});
  measure_trophic_incoherence(analysis, found.values);
  return found;
}

/// 12-20-16-20-6 tanh; with a skip from 1 to 3, and to the output from 2 through a projection, if asked for.
GraphSpec some_net(bool skips) {
  MlpSpec spec = mlp({12, 20, 16, 20, 6}, "tanh");
  spec.bias = true;
  if (skips) {
    spec.skips = {{1, 3}, {2, 4}};
    spec.skip_mode = SkipMode::project;
  }
  return mlp_graph(spec);
}

/// All values agree, relative to the larger of 1 and their size; NaN where the other is.
void check_same(const HierarchyValues& a, const HierarchyValues& b, double tolerance) {
  for (std::size_t m = 0; m < hierarchy_measures().size(); ++m) {
    BOOST_REQUIRE(a.values(m).size() == b.values(m).size());
    for (std::size_t i = 0; i < a.values(m).size(); ++i) {
      const double x = a.values(m)[i], y = b.values(m)[i];
      BOOST_TEST_INFO(hierarchy_measures()[m].name << " number " << i << ": " << x << " and " << y);
      BOOST_TEST((std::isnan(x) ? std::isnan(y) : std::abs(x - y) <= tolerance * std::max(1.0, std::abs(y))));
    }
  }
}

Matrix reordered_rows(const Matrix& m, const std::vector<Index>& order) {
  Matrix r(m.rows(), m.cols());
  for (Index i = 0; i < m.rows(); ++i) r.row(i) = m.row(order[static_cast<std::size_t>(i)]);
  return r;
}

/// prior_fraction of the last hidden layer of a random ReLU net 64×6 without biases, weights of variance gain²/fan_in.
double random_prior_fraction(double gain_squared, std::uint64_t seed, Scaling scaling, bool with_input) {
  MlpSpec spec = mlp({64, 64, 64, 64, 64, 64, 64, 10}, "relu");
  spec.init = "lecun_normal";
  spec.init_gain = std::sqrt(gain_squared);
  const SmallNet s(mlp_graph(spec), normal(64, 64, "x", seed), seed);
  const InfluenceAnalysis analysis = s.analysis();
  std::vector<std::vector<Index>> targets(s.neurons.size());
  targets[6] = s.units(6);
  return measure_hierarchy(analysis, {.k = 5, .targets = targets})
      .values.at(measure_index("prior_fraction"), scaling, with_input, 6);
}

}  // namespace

// The trap: raw influences of untrained nets mostly say how large the weights are. It closes with the input's features
// among the sources and without: 94, 58 and 3 % with (6 % without) of the five strongest lie in the layer just before.
BOOST_AUTO_TEST_CASE(raw_influences_of_random_nets_say_how_large_weights_are) {
  for (const bool with_input : {false, true}) {
    std::vector<double> small, he, large;
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
      small.push_back(random_prior_fraction(1, seed, Scaling::raw, with_input));
      he.push_back(random_prior_fraction(2, seed, Scaling::raw, with_input));
      large.push_back(random_prior_fraction(3.24, seed, Scaling::raw, with_input));
      const double scaled = random_prior_fraction(1, seed, Scaling::scaled, with_input);
      for (const double gain_squared : {2.0, 3.24, 100.0}) {
        BOOST_TEST(random_prior_fraction(gain_squared, seed, Scaling::scaled, with_input) == scaled,
                   boost::test_tools::tolerance(1e-12));
      }
    }
    BOOST_TEST(mean(small) > 0.8);
    BOOST_TEST(mean(he) > 0.3);
    BOOST_TEST(mean(he) < 0.7);
    BOOST_TEST(mean(large) < 0.1);
  }
}

BOOST_AUTO_TEST_CASE(shares_add_up_to_one) {
  for (const bool skips : {false, true}) {
    const SmallNet s(some_net(skips), normal(12, 40, "x"));
    const HierarchyValues v = measure(s).values;
    int checked = 0;
    for (const char* name : {"topk_fraction", "topk_fraction_mediated"}) {
      for (const Scaling scaling : all_scalings) {
        for (const bool with_input : {false, true}) {
          for (std::size_t l = 1; l < s.neurons.size(); ++l) {
            double sum = 0;
            for (int d = 1; d <= v.depth(); ++d) {
              const double p = v.at(measure_index(name), scaling, with_input, l, d);
              if (!std::isnan(p)) sum += p;
            }
            if (l == 1 && !with_input) {
              BOOST_TEST(sum == 0);
            } else {
              BOOST_TEST(sum == 1, boost::test_tools::tolerance(1e-12));
              ++checked;
            }
          }
        }
      }
    }
    BOOST_TEST(checked == 2 * 3 * (3 + 4));
  }
}

BOOST_AUTO_TEST_CASE(the_order_of_neurons_in_a_layer_says_nothing) {
  for (const bool skips : {false, true}) {
    const Matrix x = normal(12, 40, "x");
    SmallNet s(some_net(skips), x), other(some_net(skips), x);
    const std::vector<Index> order = Rng(3, "order").permutation(20);
    other.value("h1.weight") = reordered_rows(s.value("h1.weight"), order);
    other.value("h2.weight") = reordered_rows(s.value("h2.weight").transpose(), order).transpose();
    if (skips) other.value("p1_3.weight") = reordered_rows(s.value("p1_3.weight").transpose(), order).transpose();
    BOOST_TEST((bytes(other.value("h1.weight")) != bytes(s.value("h1.weight"))));
    check_same(measure(other).values, measure(s).values, 1e-9);
  }
}

BOOST_AUTO_TEST_CASE(without_skips_all_influence_is_mediated) {
  const SmallNet s(some_net(false), normal(12, 40, "x"));
  // Split all the same, though there is nothing to split.
  const InfluenceAnalysis analysis = s.analysis({.split_skips = true});
  const HierarchyValues v = measure_hierarchy(analysis, {.targets = s.all_targets()}).values;
  for (const auto& [all, mediated] :
       {std::pair("topk_fraction", "topk_fraction_mediated"), std::pair("prior_fraction", "prior_fraction_mediated")}) {
    const auto& a = v.values(measure_index(all));
    const auto& b = v.values(measure_index(mediated));
    for (std::size_t i = 0; i < a.size(); ++i) BOOST_TEST((a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]))));
  }
  for (const double share : v.values(measure_index("skip_share"))) BOOST_TEST((share == 0 || std::isnan(share)));
  BOOST_TEST(v.at(measure_index("skip_share"), Scaling::raw, true, 4, 4) == 0);
}

// ‖J‖²_F of d layers g·Q is g^{2d}·n: m(d) = g^{2d}/n, so κ = −2 log g without a residual.
BOOST_AUTO_TEST_CASE(equal_orthogonal_layers_decay_exponentially) {
  for (const double gain : {0.5, 0.9, 1.5}) {
    MlpSpec spec = mlp({16, 16, 16, 16, 16, 16});
    spec.init = "orthogonal";
    spec.init_gain = gain;
    const SmallNet s(mlp_graph(spec), normal(16, 30, "x"));
    const HierarchyValues v = measure(s).values;
    for (const bool with_input : {false, true}) {
      const auto at = [&](const char* name) { return v.at(measure_index(name), Scaling::raw, with_input, 5); };
      const auto same = boost::test_tools::tolerance(1e-9);
      BOOST_TEST(at("decay_rate") == -2 * std::log(gain), same);
      BOOST_TEST(at("decay_rate_low") == -2 * std::log(gain), same);
      BOOST_TEST(at("decay_rate_high") == -2 * std::log(gain), same);
      BOOST_TEST(at("decay_r2") == 1, same);
    }
    for (int d = 1; d <= 5; ++d) {
      BOOST_TEST(v.at(measure_index("jacobian_mass"), Scaling::raw, true, 5, d) == std::pow(gain, 2 * d) / 16,
                 boost::test_tools::tolerance(1e-9));
    }
  }
}

BOOST_AUTO_TEST_CASE(an_analysis_without_the_input) {
  const SmallNet s(some_net(true), normal(12, 40, "x"));
  const InfluenceAnalysis analysis = s.analysis({.with_input = false, .split_skips = true});
  HierarchyValues v = measure_hierarchy(analysis, {.targets = s.all_targets()}).values;
  measure_trophic_incoherence(analysis, v);
  const HierarchyValues both = measure(s).values;
  for (std::size_t m = 0; m < hierarchy_measures().size(); ++m) {
    for (const Scaling scaling : all_scalings) {
      for (std::size_t l = 1; l < s.neurons.size(); ++l) {
        for (int d = 1; d <= v.depth(); ++d) {
          BOOST_TEST(std::isnan(v.at(m, scaling, true, l, d)));
          const double a = v.at(m, scaling, false, l, d), b = both.at(m, scaling, false, l, d);
          BOOST_TEST((a == b || (std::isnan(a) && std::isnan(b))), hierarchy_measures()[m].name);
        }
      }
    }
  }
  BOOST_TEST(!std::isnan(v.at(measure_index("trophic_incoherence"), Scaling::scaled, false)));
  BOOST_TEST(!std::isnan(both.at(measure_index("trophic_incoherence"), Scaling::scaled, true)));
}

BOOST_AUTO_TEST_CASE(names_and_places_of_values) {
  const auto measures = hierarchy_measures();
  for (std::size_t m = 0; m < measures.size(); ++m) BOOST_TEST(measure_index(measures[m].name) == m);
  BOOST_CHECK_EXCEPTION(measure_index("prior_fractions"), UsageError,
                        says({"measure", "'prior_fractions'", "prior_fraction", "trophic_incoherence"}));
  // scaling × with_input [× layer [× distance]], the last the fastest; 4 target layers, depth 3.
  HierarchyValues v(5, 3);
  const auto place = [&](const char* name, auto... at) {
    const std::size_t m = measure_index(name);
    for (const double x : v.values(m)) BOOST_TEST(std::isnan(x));
    v.at(m, at...) = 1;
    const auto& values = v.values(m);
    return std::find(values.begin(), values.end(), 1.0) - values.begin();
  };
  BOOST_TEST(place("topk_fraction", Scaling::scaled, true, 2, 3) == ((1 * 2 + 1) * 4 + 1) * 3 + 2);
  BOOST_TEST(place("prior_fraction", Scaling::unit, false, 4) == (2 * 2 + 0) * 4 + 3);
  BOOST_TEST(place("trophic_incoherence", Scaling::scaled, true) == 3);
  BOOST_TEST(v.values(measure_index("influence_pr")).size() == 3u * 2 * 4 * 3);
  BOOST_TEST(v.values(measure_index("decay_rate")).size() == 3u * 2 * 4);
  BOOST_TEST(v.values(measure_index("trophic_incoherence")).size() == 3u * 2);
}

BOOST_AUTO_TEST_CASE(targets_by_seed_or_all) {
  const SmallNet s(some_net(true), normal(12, 10, "x"));
  const auto some = sample_targets(s.neurons, 7, 3);
  BOOST_TEST(some.size() == s.neurons.size());
  BOOST_TEST(some[0].empty());
  for (const std::size_t l : {1, 2, 3}) BOOST_TEST((some[l] == s.neurons.sample(l, 7, 3)));
  BOOST_TEST(some[4].size() == 6u);  // all there are
  BOOST_TEST((sample_targets(s.neurons, 0, 3) == s.all_targets()));
  // Only what was asked for counts.
  const Hierarchy found = measure_hierarchy(s.analysis({.split_skips = true}), {.targets = some});
  BOOST_TEST(found.targets == (std::vector<std::int32_t>{7, 7, 7, 6}), boost::test_tools::per_element());
  BOOST_TEST(found.neurons.size() == 27u);
  for (std::size_t i = 0; i < 7; ++i) BOOST_TEST(found.neurons[i].neuron.unit == some[1][i]);
}

BOOST_AUTO_TEST_CASE(permuted_weights_keep_each_matrix_entries) {
  SmallNet s(some_net(true), normal(12, 10, "x"));
  s.value("h1.bias").col(0).setLinSpaced(1, 2);
  const std::string before = bytes(s.value("h1.weight"));
  const Registry a = permuted_weights(s.net, s.registry, 5, 0), again = permuted_weights(s.net, s.registry, 5, 0);
  const Registry draw = permuted_weights(s.net, s.registry, 5, 1), seed = permuted_weights(s.net, s.registry, 6, 0);
  BOOST_TEST((bytes(s.value("h1.weight")) == before));  // the original stays
  const auto sorted = [](const Matrix& m) {
    std::vector<Scalar> entries(m.data(), m.data() + m.size());
    std::sort(entries.begin(), entries.end());
    return entries;
  };
  int matrices = 0;
  for (ParamId id = 0; id < s.registry.size(); ++id) {
    const std::string& name = s.registry[id].name;
    const Matrix& original = s.registry.value(id);
    BOOST_TEST((bytes(again.value(id)) == bytes(a.value(id))));
    if (name.ends_with(".bias")) {
      BOOST_TEST((bytes(a.value(id)) == bytes(original)));
      continue;
    }
    ++matrices;
    BOOST_TEST_CONTEXT(name) {
      BOOST_TEST((sorted(a.value(id)) == sorted(original)));
      BOOST_TEST((bytes(a.value(id)) != bytes(original)));
      BOOST_TEST((bytes(draw.value(id)) != bytes(a.value(id))));
      BOOST_TEST((bytes(seed.value(id)) != bytes(a.value(id))));
    }
  }
  BOOST_TEST(matrices == 6);  // of four layers and two projections
  // Each matrix by a permutation of its own: entry i of two of one size goes to different places.
  SmallNet equal(mlp_graph(mlp({9, 9, 9, 9})), normal(9, 3, "x"));
  for (const char* name : {"h1.weight", "h2.weight"}) {
    Matrix& w = equal.value(name);
    for (Index i = 0; i < w.size(); ++i) w.data()[i] = static_cast<Scalar>(i);
  }
  const Registry p = permuted_weights(equal.net, equal.registry, 5, 0);
  BOOST_TEST((bytes(p.value(p.find("h1.weight"))) != bytes(p.value(p.find("h2.weight")))));
}

BOOST_AUTO_TEST_CASE(summaries_of_a_null) {
  const std::size_t m = measure_index("prior_fraction");
  const auto with = [&](double x) {
    HierarchyValues v(3, 2);
    v.at(m, Scaling::scaled, true, 2) = x;
    return v;
  };
  const auto at = [&](const HierarchyValues& v) { return v.at(m, Scaling::scaled, true, 2); };
  NullSummary s = summarise(with(4), {with(1), with(4), with(quiet_nan), with(7), with(2)});
  BOOST_TEST(at(s.mean) == 3.5);
  BOOST_TEST(at(s.sd) == std::sqrt((6.25 + 0.25 + 12.25 + 2.25) / 3), boost::test_tools::tolerance(1e-14));
  BOOST_TEST(at(s.p) == 3.0 / 5);  // itself, 4 and 7 of itself and four draws
  BOOST_TEST(std::isnan(s.mean.at(m, Scaling::raw, true, 2)));
  BOOST_TEST(std::isnan(s.p.at(m, Scaling::raw, true, 2)));
  s = summarise(with(8), {with(1), with(4)});
  BOOST_TEST(at(s.p) == 1.0 / 3);
  s = summarise(with(quiet_nan), {with(1), with(4)});
  BOOST_TEST(at(s.mean) == 2.5);
  BOOST_TEST(std::isnan(at(s.p)));
  s = summarise(with(8), {with(1)});
  BOOST_TEST(at(s.mean) == 1);
  BOOST_TEST(std::isnan(at(s.sd)));
  s = summarise(with(8), {});
  BOOST_TEST(std::isnan(at(s.mean)));
  BOOST_TEST(std::isnan(at(s.p)));
}
