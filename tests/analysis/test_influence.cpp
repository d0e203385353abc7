// Influences against torch (golden/make_influence.py), closed forms, and the promises about memory, threads and blocks.
// Built in float and in double.

#include <boost/test/unit_test.hpp>

#include "framework/core/errors.hpp"
#include "framework/parallel/parallel.hpp"
#include "tests/analysis/small_net.hpp"
#include "tests/support/golden.hpp"
#include "tests/support/says.hpp"
#include "tests/support/threads.hpp"

using namespace strata;
using strata::testing::bytes;
using strata::testing::golden;
using strata::testing::matrix_of;
using strata::testing::mlp;
using strata::testing::normal;
using strata::testing::rows;
using strata::testing::says;
using strata::testing::SmallNet;
using Json = nlohmann::ordered_json;

namespace {

constexpr double tight = sizeof(Scalar) == 4 ? 1e-5 : 1e-10;

/// Relative error in norm; of zeros, the norm itself.
double error(const Matrix& m, const Eigen::MatrixXd& reference) {
  BOOST_REQUIRE(m.rows() == reference.rows());
  BOOST_REQUIRE(m.cols() == reference.cols());
  const double norm = reference.norm();
  return (m.cast<double>() - reference).norm() / (norm > 0 ? norm : 1);
}

/// Influences on some of a layer's neurons, put together from however many groups they come in.
struct Collected {
  Matrix mean_abs, mean_square, mean, mediated, through_skip;
  std::vector<std::size_t> groups = {};  // neurons in each

  Collected(const InfluenceAnalysis& analysis, std::size_t layer, const std::vector<Index>& units,
            bool direct = false) {
    std::size_t seen = 0;
    const auto take = [&](const Influences& in) {
      BOOST_TEST(in.layer == layer);
      for (const Index unit : in.units) BOOST_TEST(unit == units.at(seen++));
      append(mean_abs, in.mean_abs);
      append(mean_square, in.mean_square);
      append(mean, in.mean);
      append(mediated, in.mediated);
      append(through_skip, in.through_skip);
      groups.push_back(in.units.size());
    };
    direct ? analysis.direct_influences(layer, units, take) : analysis.influences(layer, units, take);
    BOOST_TEST(seen == units.size());
  }

  std::string all_bytes() const {
    return bytes(mean_abs) + bytes(mean_square) + bytes(mean) + bytes(mediated) + bytes(through_skip);
  }

 private:
  static void append(Matrix& to, const Matrix& more) {
    to.conservativeResize(more.rows(), to.cols() + more.cols());
    to.rightCols(more.cols()) = more;
  }
};

/// torch's numbers about pairs of layers, laid out as Strata's. Pairs that are not there are zeros.
class Reference {
 public:
  Reference(const Json& pairs, const Neurons& neurons) : pairs_(pairs), neurons_(neurons) {}

  bool has(std::size_t target, std::size_t source) const { return pairs_.contains(name(target, source)); }

  /// A row a source, column k·examples + b for neuron k of the layer.
  Eigen::MatrixXd derivatives(std::size_t target, Index examples) const {
    Eigen::MatrixXd all = Eigen::MatrixXd::Zero(neurons_.count(), neurons_[target].units * examples);
    for (std::size_t s = 0; s < target; ++s) {
      for (Index b = 0; has(target, s) && b < examples; ++b) {
        const Eigen::MatrixXd j = matrix_of(pairs_.at(name(target, s)).at(static_cast<std::size_t>(b)));
        for (Index k = 0; k < j.rows(); ++k) {
          all.col(k * examples + b).segment(neurons_[s].first, j.cols()) = j.row(k).transpose();
        }
      }
    }
    return all;
  }

  Eigen::MatrixXd means(std::size_t target) const {
    Eigen::MatrixXd all = Eigen::MatrixXd::Zero(neurons_.count(), neurons_[target].units);
    for (std::size_t s = 0; s < target; ++s) {
      if (!has(target, s)) continue;
      all.middleRows(neurons_[s].first, neurons_[s].units) = matrix_of(pairs_.at(name(target, s))).transpose();
    }
    return all;
  }

 private:
  std::string name(std::size_t target, std::size_t source) const {
    return neurons_[target].name + "/" + neurons_[source].name;
  }
  const Json& pairs_;
  const Neurons& neurons_;
};

/// Mean over examples of |J|.
Eigen::MatrixXd mean_abs(const Eigen::MatrixXd& j, Index examples) {
  Eigen::MatrixXd mean(j.rows(), j.cols() / examples);
  for (Index k = 0; k < mean.cols(); ++k) {
    mean.col(k) = j.middleCols(k * examples, examples).cwiseAbs().rowwise().mean();
  }
  return mean;
}

/// 9-70-90-70-5 tanh with a skip around layer 2, 101 examples: no size is a multiple of a block's.
GraphSpec uneven_net() {
  MlpSpec spec = mlp({9, 70, 90, 70, 5}, "tanh");
  spec.bias = true;
  spec.skips = {{1, 3}};
  return mlp_graph(spec);
}

/// Each neuron's value for each example, as Neurons lines them up.
Matrix activations(const SmallNet& s) {
  Activations acts(s.net.graph());
  s.net.forward({.mode = Mode::evaluate}, s.registry, view(s.x), acts);
  Matrix all(s.neurons.count(), s.x.cols());
  for (const NeuronLayer& layer : s.neurons.layers()) all.middleRows(layer.first, layer.units) = acts[layer.node];
  return all;
}

/// Σ_i a_i J_ji over the sources of some layers: targets × examples.
Eigen::MatrixXd weighted_sum(const SmallNet& s, const Matrix& j, const std::vector<std::size_t>& layers) {
  const Eigen::MatrixXd a = activations(s).cast<double>();
  const Index examples = s.x.cols();
  Eigen::MatrixXd sum = Eigen::MatrixXd::Zero(j.cols() / examples, examples);
  for (const std::size_t l : layers) {
    for (Index c = 0; c < j.cols(); ++c) {
      const Index b = c % examples, first = s.neurons[l].first, units = s.neurons[l].units;
      sum(c / examples, b) += a.col(b).segment(first, units).dot(j.col(c).segment(first, units).cast<double>());
    }
  }
  return sum;
}

Eigen::MatrixXd values_of(const SmallNet& s, std::size_t layer) {
  return activations(s).middleRows(s.neurons[layer].first, s.neurons[layer].units).cast<double>();
}

}  // namespace

BOOST_AUTO_TEST_CASE(torch_finds_the_same) {
  const Json file = golden<Json>("influence.json");
  BOOST_TEST(file.at("cases").size() >= 7u);
  for (const Json& c : file.at("cases")) {
    const Matrix x = matrix_of(c.at("x")).transpose().cast<Scalar>();
    SmallNet s(graph_spec_from_json(c.at("graph")), x);
    for (const auto& p : c.at("parameters").items()) s.value(p.key()) = matrix_of(p.value()).cast<Scalar>();
    const std::vector<Edge>& skips = s.neurons.skip_edges();
    BOOST_REQUIRE(skips.size() == c.at("skip_edges").size());
    for (const Json& edge : c.at("skip_edges")) {
      const NodeId node = s.net.graph().find(edge.at("node"));
      BOOST_TEST(std::count_if(skips.begin(), skips.end(), [&](const Edge& e) {
                   return e.node == node && e.input == edge.at("input").get<std::size_t>();
                 }) == 1);
    }
    const Json& ways = c.at("derivatives");
    const Reference all(ways.at("all"), s.neurons), direct(ways.at("direct"), s.neurons);
    const Reference mediated(skips.empty() ? ways.at("all") : ways.at("mediated"), s.neurons);
    const InfluenceAnalysis analysis = s.analysis({.split_skips = true});
    BOOST_REQUIRE(s.neurons.size() == c.at("layers").size());
    for (std::size_t t = 1; t < s.neurons.size(); ++t) {
      BOOST_TEST_CONTEXT(c.at("name") << ": " << s.neurons[t].name) {
        for (std::size_t source = 0; source < t; ++source) {
          BOOST_TEST(s.neurons.upstream(t, source) == all.has(t, source));
          BOOST_TEST((s.neurons.hops(t, source) == 1) == direct.has(t, source));
        }
        const Index n = x.cols();
        const Eigen::MatrixXd j = all.derivatives(t, n), without = mediated.derivatives(t, n);
        BOOST_TEST(error(analysis.derivatives(t, s.units(t)), j) < tight);
        BOOST_TEST(error(analysis.derivatives(t, s.units(t), skips), without) < tight);
        const Collected found(analysis, t, s.units(t));
        const Json& means = c.at("means");
        BOOST_TEST(error(found.mean_abs, Reference(means.at("mean_abs"), s.neurons).means(t)) < tight);
        BOOST_TEST(error(found.mean, Reference(means.at("mean"), s.neurons).means(t)) < tight);
        BOOST_TEST(error(found.mean_square, Reference(means.at("mean_square"), s.neurons).means(t)) < tight);
        BOOST_TEST(error(found.mediated, mean_abs(without, n)) < tight);
        BOOST_TEST(error(found.through_skip, mean_abs(j - without, n)) < tight);
        const Collected connected(analysis, t, s.units(t), true);
        BOOST_TEST(error(connected.mean_abs, mean_abs(direct.derivatives(t, n), n)) < tight);
        BOOST_TEST(connected.mean.size() + connected.mean_square.size() == 0);
        BOOST_TEST(connected.mediated.size() + connected.through_skip.size() == 0);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(linear_nets_have_products_of_weights) {
  SmallNet s(mlp_graph(mlp({10, 12, 9, 11, 4})), normal(10, 67, "x"));
  const char* const names[] = {"h1.weight", "h2.weight", "h3.weight", "logits.weight"};
  const InfluenceAnalysis analysis = s.analysis();
  for (std::size_t t = 1; t < s.neurons.size(); ++t) {
    Eigen::MatrixXd product = Eigen::MatrixXd::Identity(s.neurons[t].units, s.neurons[t].units);
    Eigen::MatrixXd j = Eigen::MatrixXd::Zero(s.neurons.count(), s.neurons[t].units);
    for (std::size_t l = t; l > 0; --l) {
      product = product * s.value(names[l - 1]).cast<double>();
      j.middleRows(s.neurons[l - 1].first, s.neurons[l - 1].units) = product.transpose();
    }
    const Collected found(analysis, t, s.units(t));
    BOOST_TEST(error(found.mean, j) < tight);
    BOOST_TEST(error(found.mean_abs, j.cwiseAbs()) < tight);
    BOOST_TEST(error(found.mean_square, j.cwiseAbs2()) < tight);
    BOOST_TEST(found.mediated.size() + found.through_skip.size() == 0);  // not asked for
    const Matrix each = analysis.derivatives(t, s.units(t));
    BOOST_REQUIRE(each.cols() == s.neurons[t].units * 67);
    for (Index k = 0; k < j.cols(); ++k) {
      BOOST_TEST(error(each.middleCols(k * 67, 67), j.col(k).rowwise().replicate(67)) < tight);
    }
  }
}

// Bias-free ReLU nets are homogeneous: Σ a_i ∂a_j/∂a_i = a_j for each example, over sources of which every way from the
// input to j passes exactly one.
BOOST_AUTO_TEST_CASE(relu_nets_without_biases_are_sums_of_their_sources) {
  const Matrix x = normal(9, 70, "x");
  SmallNet plain(mlp_graph(mlp({9, 30, 20, 30, 5}, "relu")), x);
  const InfluenceAnalysis analysis = plain.analysis();
  for (std::size_t t = 1; t < plain.neurons.size(); ++t) {
    const Matrix j = analysis.derivatives(t, plain.units(t));
    for (std::size_t s = 0; s < t; ++s) {
      BOOST_TEST(error(weighted_sum(plain, j, {s}).cast<Scalar>(), values_of(plain, t)) < tight);
    }
  }
  MlpSpec spec = mlp({9, 30, 20, 30, 5}, "relu");
  spec.skips = {{1, 3}};
  SmallNet skip(mlp_graph(spec), x);
  const InfluenceAnalysis of_skip = skip.analysis();
  const Eigen::MatrixXd logits = values_of(skip, 4);
  const Matrix j = of_skip.derivatives(4, skip.units(4));
  for (const std::size_t s : {0, 1, 3}) BOOST_TEST(error(weighted_sum(skip, j, {s}).cast<Scalar>(), logits) < tight);
  // Layer 2 lacks the ways over the skip, which start in layer 1 and are what cutting the skip takes away.
  const Eigen::MatrixXd from_2 = weighted_sum(skip, j, {2});
  BOOST_TEST(error(from_2.cast<Scalar>(), logits) > 0.1);
  const Matrix over_skip = j - of_skip.derivatives(4, skip.units(4), skip.neurons.skip_edges());
  BOOST_TEST(error((from_2 + weighted_sum(skip, over_skip, {1})).cast<Scalar>(), logits) < tight);
}

// The same where two branches of different depth meet.
BOOST_AUTO_TEST_CASE(sources_of_several_layers_that_make_a_cut) {
  const auto dense = [](const char* name, const char* input) {
    return NodeSpec{name, "dense", {input}, {{"units", 8}, {"bias", false}}};
  };
  const GraphSpec spec{{6},
                       {dense("left", "input"),
                        {"left_on", "relu", {"left"}},
                        dense("right", "input"),
                        {"right_on", "relu", {"right"}},
                        dense("far", "right_on"),
                        {"far_on", "relu", {"far"}},
                        {"both", "concat", {"left_on", "far_on"}},
                        dense("out", "both")},
                       "out"};
  SmallNet s(spec, normal(6, 70, "x"));
  const std::size_t left = s.neurons.find("left"), right = s.neurons.find("right"), far = s.neurons.find("far");
  const std::size_t out = s.neurons.find("out");
  const Matrix j = s.analysis().derivatives(out, s.units(out));
  const Eigen::MatrixXd reference = values_of(s, out);
  BOOST_TEST(error(weighted_sum(s, j, {left, far}).cast<Scalar>(), reference) < tight);
  BOOST_TEST(error(weighted_sum(s, j, {left, right}).cast<Scalar>(), reference) < tight);
  BOOST_TEST(error(weighted_sum(s, j, {left}).cast<Scalar>(), reference) > 0.1);
  BOOST_TEST(error(weighted_sum(s, j, {left, right, far}).cast<Scalar>(), reference) > 0.1);
}

BOOST_AUTO_TEST_CASE(groups_and_threads_do_not_show) {
  const testing::EightThreads eight;
  const SmallNet s(uneven_net(), normal(9, 101, "x"));
  for (std::size_t t = 1; t < s.neurons.size(); ++t) {
    const InfluenceAnalysis whole = s.analysis({.split_skips = true});
    const Collected reference(whole, t, s.units(t)), direct(whole, t, s.units(t), true);
    const std::string derivatives = bytes(whole.derivatives(t, s.units(t)));
    BOOST_TEST(reference.groups.size() == 1u);
    for (const int threads : {1, 2, 3, 8}) {
      with_threads(threads, [&] {
        for (const std::size_t limit : {std::size_t{1}, std::size_t{7} << 15, std::size_t{64} << 20}) {
          const InfluenceAnalysis analysis = s.analysis({.split_skips = true, .bytes = limit});
          const Collected found(analysis, t, s.units(t)), found_direct(analysis, t, s.units(t), true);
          if (limit == 1) BOOST_TEST(found.groups.size() == s.units(t).size());
          BOOST_TEST((found.all_bytes() == reference.all_bytes()), threads << " threads, " << limit << " bytes");
          BOOST_TEST((bytes(found_direct.mean_abs) == bytes(direct.mean_abs)), threads << " threads, " << limit);
        }
        BOOST_TEST((bytes(s.analysis().derivatives(t, s.units(t))) == derivatives), threads << " threads");
      });
    }
    // The examples' blocks add up to the mean of all; error() is in norm, so one lost example shows.
    const Eigen::MatrixXd j = whole.derivatives(t, s.units(t)).cast<double>();
    BOOST_TEST(error(reference.mean_abs, mean_abs(j, 101)) < tight);
  }
  // 7·2¹⁵ bytes hold some of layer 2's ninety neurons, but not all: a group of several was among the above.
  const Collected some(s.analysis({.split_skips = true, .bytes = std::size_t{7} << 15}), 2, s.units(2));
  BOOST_TEST(some.groups.front() > 1u);
  BOOST_TEST(some.groups.size() > 1u);
}

BOOST_AUTO_TEST_CASE(some_neurons_in_any_order) {
  const SmallNet s(uneven_net(), normal(9, 101, "x"));
  const InfluenceAnalysis analysis = s.analysis();
  const Collected all(analysis, 2, s.units(2));
  const std::vector<Index> picked{88, 3, 40, 3, 89, 0};
  const Collected some(analysis, 2, picked);
  const Matrix j = analysis.derivatives(2, picked);
  for (std::size_t k = 0; k < picked.size(); ++k) {
    const auto column = static_cast<Index>(k);
    BOOST_TEST((bytes(some.mean_abs.col(column)) == bytes(all.mean_abs.col(picked[k]))));
    BOOST_TEST((bytes(some.mean.col(column)) == bytes(all.mean.col(picked[k]))));
    BOOST_TEST(
        (bytes(j.middleCols(column * 101, 101)) == bytes(analysis.derivatives(2, std::vector<Index>{picked[k]}))));
  }
  BOOST_TEST(Collected(analysis, 2, {}).groups.empty());
}

BOOST_AUTO_TEST_CASE(without_the_input) {
  const SmallNet s(uneven_net(), normal(9, 30, "x"));
  const InfluenceAnalysis with = s.analysis(), without = s.analysis({.with_input = false});
  for (const bool direct : {false, true}) {
    for (const std::size_t t : {1, 3}) {
      const Matrix a = Collected(with, t, s.units(t), direct).mean_abs;
      const Matrix b = Collected(without, t, s.units(t), direct).mean_abs;
      BOOST_TEST((a.topRows(9).norm() > 0) == (t == 1 || !direct));
      BOOST_TEST(b.topRows(9).norm() == 0);
      BOOST_TEST((bytes(b.bottomRows(b.rows() - 9)) == bytes(a.bottomRows(a.rows() - 9))));
    }
  }
  const Matrix j = without.derivatives(3, s.units(3));
  BOOST_TEST(j.topRows(9).norm() == 0);
  BOOST_TEST(j.norm() > 0);
}

BOOST_AUTO_TEST_CASE(moments_of_activations) {
  // One feature into three neurons: itself, minus itself (ReLU: dead), twice itself; then their sum with other signs.
  SmallNet s(mlp_graph(mlp({1, 3, 1}, "relu")), rows({{1, 2, 6}}));
  s.value("h1.weight") = rows({{1}, {-1}, {2}});
  s.value("logits.weight") = rows({{1, 5, -0.5}});
  const ActivationMoments m = s.analysis().moments();
  const double sd = std::sqrt(14.0 / 3);  // of 1, 2, 6: mean 3, squares of the distances 4 + 1 + 9
  const std::vector<double> mean{3, 3, 0, 6, 0}, sds{sd, sd, 0, 2 * sd, 0};
  const std::vector<char> dead{0, 0, 1, 0, 1};
  BOOST_TEST(m.mean == mean, boost::test_tools::tolerance(1e-14) << boost::test_tools::per_element());
  BOOST_TEST(m.sd == sds, boost::test_tools::tolerance(1e-14) << boost::test_tools::per_element());
  BOOST_TEST(m.dead == dead, boost::test_tools::per_element());
  // More examples than pass at a time, and a mean that is large beside the spread.
  Matrix many = Matrix::Constant(1, 150, 1000);
  many(0, 149) = 1001;
  const SmallNet wide(mlp_graph(mlp({1, 1, 1})), many);
  const ActivationMoments of_many = wide.analysis().moments();
  BOOST_TEST(of_many.dead[0] == 0);
  BOOST_TEST(of_many.mean[0] == 1000 + 1 / 150.0, boost::test_tools::tolerance(1e-14));
  BOOST_TEST(of_many.sd[0] == std::sqrt(149.0) / 150, boost::test_tools::tolerance(1e-12));
}

// A channel is the mean of its positions, and is moved by a shift of all of another's: from single neurons' derivatives, the
// mean over the positions of the one and the sum over those of the other.
BOOST_AUTO_TEST_CASE(channels_are_means_of_their_positions) {
  const auto conv = [](const char* name, const char* input, int channels) {
    return NodeSpec{name, "conv2d", {input}, {{"channels", channels}, {"size", 3}, {"padding", 1}, {"bias", false}}};
  };
  const GraphSpec spec{{2, 4, 3},
                       {conv("c1", "input", 4),
                        {"a1", "tanh", {"c1"}, Json::object()},
                        conv("c2", "a1", 4),
                        {"a2", "tanh", {"c2"}, Json::object()},
                        {"sum", "add", {"a1", "a2"}, Json::object()},
                        conv("c3", "sum", 3),
                        {"flat", "flatten", {"c3"}, Json::object()},
                        {"out", "dense", {"flat"}, {{"units", 5}, {"bias", false}}}},
                       "out"};
  const SmallNet s(spec, normal(24, 70, "x"));
  const Neurons channels = Neurons::of_channels(s.net.graph());
  BOOST_REQUIRE(!channels.skip_edges().empty());
  const InfluenceAnalysis single = s.analysis({.split_skips = true});
  const InfluenceAnalysis pooled(s.net, s.registry, channels, view(s.x), {.split_skips = true});
  const Index n = s.x.cols();
  for (std::size_t t = 1; t < channels.size(); ++t) {
    const auto sums = [&](const std::vector<Edge>& cut) {
      const Eigen::MatrixXd j = single.derivatives(t, s.units(t), cut).cast<double>();
      Eigen::MatrixXd all = Eigen::MatrixXd::Zero(channels.count(), channels[t].units * n);
      for (std::size_t from = 0; from < t; ++from) {
        const Index P = channels[from].positions, Q = channels[t].positions;
        for (Index i = 0; i < channels[from].units; ++i) {
          for (Index u = 0; u < s.neurons[t].units; ++u) {
            all.row(channels[from].first + i).segment(u / Q * n, n) +=
                j.block(s.neurons[from].first + i * P, u * n, P, n).colwise().sum() / static_cast<double>(Q);
          }
        }
      }
      return all;
    };
    const Eigen::MatrixXd all = sums({}), without = sums(channels.skip_edges());
    std::vector<Index> units(static_cast<std::size_t>(channels[t].units));
    std::iota(units.begin(), units.end(), Index{0});
    BOOST_TEST_CONTEXT(channels[t].name) {
      BOOST_TEST(error(pooled.derivatives(t, units), all) < tight);
      const Collected found(pooled, t, units);
      BOOST_TEST(error(found.mean_abs, mean_abs(all, n)) < tight);
      BOOST_TEST(error(found.mediated, mean_abs(without, n)) < tight);
      BOOST_TEST(error(found.through_skip, mean_abs(all - without, n)) < tight);
    }
  }
  const Eigen::MatrixXd a = activations(s).cast<double>();
  for (const NeuronLayer& layer : channels.layers()) {
    const NeuronLayer& each = s.neurons[static_cast<std::size_t>(&layer - channels.layers().data())];
    for (Index i = 0; i < layer.units; ++i) {
      const Eigen::RowVectorXd mean = a.middleRows(each.first + i * layer.positions, layer.positions).colwise().mean();
      const auto at = static_cast<std::size_t>(layer.first + i);
      BOOST_TEST(std::abs(pooled.moments().mean[at] - mean.mean()) < tight);
      const double sd = std::sqrt((mean.array() - mean.mean()).square().mean());
      BOOST_TEST(std::abs(pooled.moments().sd[at] - sd) < tight);
    }
  }
}

BOOST_AUTO_TEST_CASE(refusals_and_sizes) {
  const SmallNet s(uneven_net(), normal(9, 3, "x"));
  BOOST_TEST(s.analysis().examples() == 3);
  BOOST_TEST(s.analysis().full_bytes() == 244.0 * 244 * sizeof(Scalar));  // 9 + 70 + 90 + 70 + 5 neurons
  const Matrix none(9, 0), wrong = normal(8, 3, "x");
  const auto analyse = [&](const Matrix& x) { const InfluenceAnalysis a(s.net, s.registry, s.neurons, view(x)); };
  BOOST_CHECK_EXCEPTION(analyse(none), UsageError, says({"no examples", "at least one"}));
  BOOST_CHECK_EXCEPTION(analyse(wrong), ShapeError, says({"8 features", "expected 9"}));
}
