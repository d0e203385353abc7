// What holding a neuron at its mean does to others, against a forward pass written out.

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "framework/analysis/ablation.hpp"
#include "framework/core/errors.hpp"
#include "framework/parallel/parallel.hpp"
#include "tests/analysis/small_net.hpp"
#include "tests/support/says.hpp"
#include "tests/support/threads.hpp"

using namespace strata;
using strata::testing::mlp;
using strata::testing::normal;
using strata::testing::rows;
using strata::testing::says;
using strata::testing::SmallNet;

namespace {

std::vector<double> effects(const SmallNet& s, const std::vector<Intervention>& interventions) {
  return ablation_effects(s.net, s.registry, s.analysis(), view(s.x), interventions);
}

/// 6-12-10-12-4 tanh, a skip from h1 into h3.
MlpSpec skip_mlp() {
  MlpSpec spec = mlp({6, 12, 10, 12, 4}, "tanh");
  spec.bias = true;
  spec.skips = {{1, 3}};
  return spec;
}

/// The values of each layer of skip_mlp() for s.x, in double; with a neuron held at `value` if layer ≥ 0.
std::vector<Eigen::MatrixXd> by_hand(SmallNet& s, int layer = -1, Index unit = 0, double value = 0) {
  const auto w = [&](const char* name) { return Eigen::MatrixXd(s.value(name).cast<double>()); };
  std::vector<Eigen::MatrixXd> a;
  const auto add = [&](Eigen::MatrixXd m) {
    if (static_cast<int>(a.size()) == layer) m.row(unit).setConstant(value);
    a.push_back(std::move(m));
  };
  const auto dense = [&](const char* weight, const char* bias, const Eigen::MatrixXd& in) {
    return Eigen::MatrixXd((w(weight) * in).colwise() + w(bias).col(0));
  };
  add(s.x.cast<double>());
  add(dense("h1.weight", "h1.bias", a[0]).array().tanh());
  add(dense("h2.weight", "h2.bias", a[1]).array().tanh());
  add((dense("h3.weight", "h3.bias", a[2]) + a[1]).array().tanh());
  add(dense("logits.weight", "logits.bias", a[3]));
  return a;
}

}  // namespace

BOOST_AUTO_TEST_CASE(as_in_a_forward_pass_with_the_neuron_held) {
  SmallNet s(mlp_graph(skip_mlp()), normal(6, 300, "x"));  // more examples than pass at a time
  for (const char* bias : {"h1.bias", "h2.bias", "h3.bias"}) s.value(bias).col(0).setLinSpaced(-0.5, 0.5);
  // Several targets of a source apart from each other, the same one twice, sources of each layer and of the input.
  const std::vector<Intervention> interventions{{{1, 3}, {4, 0}}, {{0, 5}, {1, 2}}, {{2, 9}, {3, 11}},
                                                {{1, 3}, {2, 7}}, {{1, 3}, {3, 3}}, {{3, 0}, {4, 3}},
                                                {{0, 5}, {4, 1}}, {{1, 3}, {4, 0}}, {{1, 4}, {4, 0}}};
  const auto found = effects(s, interventions);
  BOOST_REQUIRE(found.size() == interventions.size());
  const auto base = by_hand(s);
  for (std::size_t i = 0; i < found.size(); ++i) {
    const auto [source, target] = interventions[i];
    const Eigen::ArrayXd a = base[target.layer].row(target.unit).transpose();
    const double mean = base[source.layer].row(source.unit).mean();
    const auto held = by_hand(s, static_cast<int>(source.layer), source.unit, mean);
    const Eigen::ArrayXd change = held[target.layer].row(target.unit).transpose().array() - a;
    const double sd = std::sqrt((a - a.mean()).square().mean());
    BOOST_TEST(found[i] > 1e-3);
    BOOST_TEST(found[i] == change.abs().mean() / sd, boost::test_tools::tolerance(1e-5));
  }
  BOOST_TEST(found[7] == found[0]);
  BOOST_TEST(effects(s, {}).empty());
}

BOOST_AUTO_TEST_CASE(worked_out_and_dead) {
  // out = 3h₁ with h₁ = relu(2x), x = 1, 2, 6: held at 6, out is 18 instead of 6, 12, 36: 12, 6, 18 away on average 12.
  // σ of out is 6·√(14/3). h₂ = relu(−x) is dead, and holding it changes nothing. out₂ reads it alone.
  SmallNet s(mlp_graph(mlp({1, 2, 2}, "relu")), rows({{1, 2, 6}}));
  s.value("h1.weight") = rows({{2}, {-1}});
  s.value("logits.weight") = rows({{3, 7}, {0, 1}});
  const auto found = effects(s, {{{1, 0}, {2, 0}}, {{1, 1}, {2, 0}}, {{1, 0}, {2, 1}}, {{0, 0}, {1, 1}}});
  BOOST_TEST(found[0] == 2 / std::sqrt(14.0 / 3), boost::test_tools::tolerance(1e-6));
  BOOST_TEST(found[1] == 0);
  BOOST_TEST(std::isnan(found[2]));
  BOOST_TEST(std::isnan(found[3]));
  // A difference of equals is dead, though it is not when one of them is held.
  SmallNet difference(mlp_graph(mlp({1, 2, 1})), rows({{1, 2, 6}}));
  difference.value("h1.weight") = rows({{1}, {1}});
  difference.value("logits.weight") = rows({{1, -1}});
  BOOST_TEST(std::isnan(effects(difference, {{{1, 0}, {2, 0}}}).at(0)));
}

BOOST_AUTO_TEST_CASE(only_what_is_upstream_has_an_effect) {
  const SmallNet s(mlp_graph(skip_mlp()), normal(6, 10, "x"));
  BOOST_CHECK_EXCEPTION(effects(s, {{{1, 0}, {2, 0}}, {{3, 0}, {2, 0}}}), UsageError,
                        says({"ablation", "h3", "not upstream of h2"}));
  BOOST_CHECK_EXCEPTION(effects(s, {{{2, 0}, {2, 1}}}), UsageError, says({"h2 is not upstream of h2"}));
}

BOOST_AUTO_TEST_CASE(threads_do_not_show) {
  const testing::EightThreads eight;
  const SmallNet s(mlp_graph(skip_mlp()), normal(6, 300, "x"));
  std::vector<Intervention> interventions;
  for (Index unit = 0; unit < 12; ++unit) {
    for (const Index target : {0, 3}) interventions.push_back({{1, unit}, {4, target}});
  }
  const auto reference = effects(s, interventions);
  for (const int threads : {1, 2, 3, 8}) {
    with_threads(threads, [&] { BOOST_TEST((effects(s, interventions) == reference), threads << " threads"); });
  }
}
