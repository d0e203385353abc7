// Trophic incoherence against heights worked out by hand (MacKay, Johnson & Sansom, 2001.05173).
#include <Eigen/LU>
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "framework/analysis/trophic.hpp"
#include "tests/analysis/small_net.hpp"

using namespace strata;
using strata::testing::mlp;
using strata::testing::normal;
using strata::testing::rows;
using strata::testing::SmallNet;

namespace {

const auto tight = boost::test_tools::tolerance(sizeof(Scalar) == 4 ? 2e-6 : 1e-12);

struct Incoherence {
  double raw, scaled, raw_with_input, scaled_with_input;
};

Incoherence incoherence(const SmallNet& s, const InfluenceOptions& options = {}) {
  HierarchyValues v(s.neurons.size(), s.neurons.depth());
  measure_trophic_incoherence(s.analysis(options), v);
  const std::size_t m = measure_index("trophic_incoherence");
  for (const bool with_input : {false, true}) BOOST_TEST(std::isnan(v.at(m, Scaling::unit, with_input)));
  return {v.at(m, Scaling::raw, false), v.at(m, Scaling::scaled, false), v.at(m, Scaling::raw, true),
          v.at(m, Scaling::scaled, true)};
}

/// Three connections a → b → c and a → c of weights p, q, r. With e the height that each misses, e₃ = e₁ + e₂ + 1,
/// since both ways climb as high. The least Σ w e² has p e₁ = q e₂ = −r e₃, and is 1/(1/p + 1/q + 1/r).
double missed(double p, double q, double r) { return 1 / (1 / p + 1 / q + 1 / r); }

}  // namespace

BOOST_AUTO_TEST_CASE(a_chain_of_layers_is_coherent) {
  MlpSpec spec = mlp({7, 20, 15, 20, 4}, "tanh");
  spec.bias = true;
  const Incoherence f = incoherence(SmallNet(mlp_graph(spec), normal(7, 50, "x")));
  BOOST_TEST(f.raw == 0);
  BOOST_TEST(f.scaled == 0);
  BOOST_TEST(f.raw_with_input == 0);
  BOOST_TEST(f.scaled_with_input == 0);
}

BOOST_AUTO_TEST_CASE(a_feed_forward_triangle) {
  // h1 = 4x, h2 = 2h1, out = 3h2 + h1 = 28x.
  MlpSpec spec = mlp({1, 1, 1, 1});
  spec.skips = {{1, 3}};
  SmallNet s(mlp_graph(spec), rows({{1, -1, 3}}));
  s.value("h1.weight") = rows({{4}});
  s.value("h2.weight") = rows({{2}});
  s.value("h3.weight") = rows({{3}});
  const Incoherence f = incoherence(s);
  // The connection from the input, which nothing contradicts, climbs by one: it adds to the weight alone.
  BOOST_TEST(f.raw == missed(2, 3, 1) / 6, tight);
  BOOST_TEST(f.raw_with_input == missed(2, 3, 1) / (6 + 4), tight);
  // σ is 1, 4, 8, 28 times that of x: weights 4/4; 2·4/8, 3·8/28, 4/28.
  const double scaled = missed(1, 24.0 / 28, 4.0 / 28);
  BOOST_TEST(f.scaled == scaled / 2, tight);
  BOOST_TEST(f.scaled_with_input == scaled / 3, tight);

  // The sign of an influence doesn't matter; weights all alike give 1/9, whatever their size (MacKay's F₀ of a
  // feed-forward motif).
  s.value("h2.weight") = rows({{-1}});
  s.value("h3.weight") = rows({{1.25}});
  BOOST_TEST(incoherence(s).raw == missed(1, 1.25, 1) / 3.25, tight);
  s.value("h3.weight") = rows({{-1}});
  BOOST_TEST(incoherence(s).raw == 1.0 / 9, tight);

  // Of a skip that carries all, nothing is missed: a and c are one apart, and b hangs on by nothing.
  s.value("h2.weight").setZero();
  BOOST_TEST(incoherence(s).raw == 0, boost::test_tools::tolerance(1e-12));
}

// The same motif many times over, joined by equal connections, is as incoherent as one. 3-3-3-3, all weights w.
BOOST_AUTO_TEST_CASE(layers_of_alike_neurons_are_one_neuron) {
  MlpSpec spec = mlp({3, 3, 3, 3});
  spec.skips = {{1, 3}};
  spec.skip_mode = SkipMode::project;
  SmallNet s(mlp_graph(spec), normal(3, 20, "x"));
  s.value("h2.weight").setConstant(Scalar(0.5));
  s.value("h3.weight").setConstant(Scalar(0.75));
  s.value("p1_3.weight").setConstant(Scalar(-0.25));
  BOOST_TEST(incoherence(s).raw == missed(2, 3, 1) / 6, tight);
}

BOOST_AUTO_TEST_CASE(dead_neurons_and_nets_without_the_input) {
  // As the triangle, but with a second neuron in h1 that is 9 for every example and reaches only the output, by a skip.
  MlpSpec spec = mlp({1, 2, 1, 1});
  spec.bias = true;
  spec.skips = {{1, 3}};
  spec.skip_mode = SkipMode::concat;
  SmallNet s(mlp_graph(spec), rows({{1, -1, 3}}));
  s.value("h1.weight") = rows({{4}, {0}});
  s.value("h1.bias") = rows({{0}, {9}});
  s.value("h2.weight") = rows({{2, 0}});
  s.value("logits.weight") = rows({{3, 1, 100}});
  BOOST_TEST(incoherence(s).raw == missed(2, 3, 1) / 6, tight);
  const Incoherence f = incoherence(s, {.with_input = false});
  BOOST_TEST(f.raw == missed(2, 3, 1) / 6, tight);
  BOOST_TEST(f.scaled == missed(1, 24.0 / 28, 4.0 / 28) / 2, tight);
  BOOST_TEST(std::isnan(f.raw_with_input));
  BOOST_TEST(std::isnan(f.scaled_with_input));
  // No connection at all between living neurons.
  s.value("logits.weight").setZero();
  s.value("h2.weight").setZero();
  BOOST_TEST(std::isnan(incoherence(s).raw));
}

// Many neurons: the heights from the iteration against those of a dense solver on MacKay's equation as it stands.
BOOST_AUTO_TEST_CASE(many_neurons_against_a_dense_solver) {
  MlpSpec spec = mlp({8, 20, 25, 20, 20, 5}, "tanh");
  spec.skips = {{1, 3}, {1, 4}, {3, 5}};
  spec.skip_mode = SkipMode::project;
  const SmallNet s(mlp_graph(spec), normal(8, 30, "x"));
  const InfluenceAnalysis analysis = s.analysis();
  const Index n = s.neurons.count();
  for (const bool with_input : {false, true}) {
    for (const Scaling scaling : {Scaling::raw, Scaling::scaled}) {
      Eigen::MatrixXd w = Eigen::MatrixXd::Zero(n, n);  // w(i, j): from i to j
      for (std::size_t t = 1; t < s.neurons.size(); ++t) {
        analysis.direct_influences(t, s.units(t), [&](const Influences& in) {
          w.middleCols(s.neurons[t].first, in.mean_abs.cols()) = in.mean_abs.cast<double>();
        });
      }
      if (!with_input) w.topRows(8).setZero();
      if (scaling == Scaling::scaled) {
        const Eigen::Map<const Eigen::VectorXd> sd(analysis.moments().sd.data(), n);
        w = sd.asDiagonal() * w * sd.cwiseInverse().asDiagonal();
      }
      const Eigen::VectorXd out = w.rowwise().sum(), in = w.colwise().sum().transpose();
      Eigen::MatrixXd system = -w - w.transpose();
      system.diagonal() += in + out;
      // The heights are known but for a constant: pinned by adding a multiple of h's sum to each equation.
      for (Index i = 0; i < n; ++i) {
        if (in[i] + out[i] == 0) system(i, i) = 1;  // the input left out
      }
      system.array() += 1e-3;
      const Eigen::VectorXd h = system.fullPivLu().solve(in - out);
      double sum = 0;
      for (Index i = 0; i < n; ++i) {
        for (Index j = 0; j < n; ++j) sum += w(i, j) * std::pow(h[j] - h[i] - 1, 2);
      }
      const Incoherence f = incoherence(s);
      const double found = scaling == Scaling::raw ? (with_input ? f.raw_with_input : f.raw)
                                                   : (with_input ? f.scaled_with_input : f.scaled);
      BOOST_TEST(found > 0.01);
      BOOST_TEST(found == sum / w.sum(), boost::test_tools::tolerance(1e-5));
    }
  }
}
