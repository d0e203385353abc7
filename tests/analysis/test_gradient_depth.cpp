// The true gradient by activations, layer by layer, against finite differences and a chain rule by hand. In double.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <vector>

#include "framework/analysis/gradient_depth.hpp"
#include "framework/core/errors.hpp"

using namespace strata;

namespace {

/// A net with examples whose classes go round.
struct Bench {
  Registry registry{3};
  Net net;
  Neurons neurons;
  Matrix x, one_hot;
  std::vector<std::int32_t> labels;

  Bench(const MlpSpec& mlp, Index examples) : net(Graph(mlp_graph(mlp)), registry), neurons(net.graph()) {
    x.resize(features(mlp.input), examples);
    Rng(5, "x").fill_normal(mut_view(x), 0, 1);
    one_hot = Matrix::Zero(mlp.outputs, examples);
    for (Index b = 0; b < examples; ++b) {
      labels.push_back(static_cast<std::int32_t>(b % mlp.outputs));
      one_hot(b % mlp.outputs, b) = 1;
    }
  }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  Batch batch() const { return {.x = view(x), .one_hot = view(one_hot), .labels = labels, .ids = {}}; }
  Matrix& value(const std::string& name) { return registry.value(registry.find(name)); }
  GradientByDepth measure(const std::string& loss = "cross_entropy") const {
    return gradient_by_depth(net, registry, *make_loss(loss), neurons, batch());
  }
};

MlpSpec mlp(std::vector<Index> hidden, Index outputs, const std::string& activation) {
  MlpSpec s;
  s.input = {4};
  s.hidden = std::move(hidden);
  s.outputs = outputs;
  s.activation = activation;
  return s;
}

/// All layers pass their input on times `gain`: 4-4-…-4 with `hidden` hidden layers.
void make_chain(Bench& b, double gain) {
  for (const NodeId layer : b.net.graph().layers()) {
    b.registry.value(b.net.params(layer)[0]) = gain * Matrix::Identity(4, 4);
  }
}

}  // namespace

// Per example: the loss of that example alone, moved by ± h along one neuron of one layer.
BOOST_AUTO_TEST_CASE(against_finite_differences) {
  MlpSpec spec = mlp({5, 5, 5}, 3, "tanh");
  spec.skips = {{1, 3}};
  spec.dropout = 0.3;  // is off here
  for (const char* loss_name : {"cross_entropy", "squared_error"}) {
    Bench b(spec, 6);
    const auto loss = make_loss(loss_name);
    const GradientByDepth found = b.measure(loss_name);
    BOOST_REQUIRE(found.mean_abs.size() == 4U);
    BOOST_TEST(found.distance == (std::vector<int>{3, 2, 1, 0}), boost::test_tools::per_element());
    BOOST_REQUIRE(found.neuron.size() == 18U);
    const Graph& graph = b.net.graph();
    const Ctx ctx{Mode::evaluate, false, 0, 0};
    std::size_t next = 0;
    for (std::size_t l = 1; l < b.neurons.size(); ++l) {
      BOOST_TEST_CONTEXT(loss_name << " " << b.neurons[l].name) {
        const NodeId node = b.neurons[l].node;
        std::vector<NodeId> behind;
        for (NodeId id = node + 1; id < graph.size(); ++id) behind.push_back(id);
        double sum = 0, squares = 0;
        for (Index unit = 0; unit < b.neurons[l].units; ++unit) {
          std::vector<double> moved[2];
          constexpr double h = 1e-5;
          for (const int side : {0, 1}) {
            Activations acts(graph);
            b.net.forward(ctx, b.registry, view(b.x), acts);
            Matrix a = acts[node];
            a.row(unit).array() += side == 0 ? -h : h;
            acts.set(node, view(a));
            b.net.forward_nodes(ctx, b.registry, behind, acts);
            moved[side].resize(6);
            loss->values(acts[graph.output()], b.batch(), moved[side]);
          }
          double of_neuron = 0;
          for (std::size_t e = 0; e < 6; ++e) {
            const double derivative = (moved[1][e] - moved[0][e]) / (2 * h);
            of_neuron += std::abs(derivative) / 6;
            squares += derivative * derivative / 6;
          }
          BOOST_TEST(found.neuron[next++] == static_cast<float>(of_neuron), boost::test_tools::tolerance(1e-5F));
          sum += of_neuron;
        }
        BOOST_TEST(found.mean_abs[l - 1] == sum / static_cast<double>(b.neurons[l].units),
                   boost::test_tools::tolerance(1e-7));
        BOOST_TEST(found.norm[l - 1] == std::sqrt(squares), boost::test_tools::tolerance(1e-7));
      }
    }
  }
}

// An identity net of gain g: ∂L/∂a at distance d from the output is gᵈ e.
BOOST_AUTO_TEST_CASE(a_linear_net_decays_at_the_rate_of_its_gain) {
  for (const double gain : {0.5, 1.0, 2.0}) {
    Bench b(mlp({4, 4, 4, 4, 4}, 4, "identity"), 7);
    make_chain(b, gain);
    const GradientByDepth found = b.measure("squared_error");
    // e = g⁶ x − t, of each example's own loss.
    const Matrix e = std::pow(gain, 6) * b.x - b.one_hot;
    BOOST_REQUIRE(found.mean_abs.size() == 6U);
    for (std::size_t l = 0; l < 6; ++l) {
      BOOST_TEST(found.distance[l] == static_cast<int>(5 - l));
      const double factor = std::pow(gain, static_cast<double>(5 - l));
      BOOST_TEST(found.mean_abs[l] == factor * e.cwiseAbs().mean(), boost::test_tools::tolerance(1e-12));
      BOOST_TEST(found.norm[l] == factor * e.norm() / std::sqrt(7.0), boost::test_tools::tolerance(1e-12));
    }
    BOOST_TEST(found.exponential.n == 5);  // the output is not among them
    BOOST_TEST(std::abs(found.exponential.rate + std::log(gain)) < 1e-12);
    if (gain != 1) BOOST_TEST(found.exponential.r2 == 1.0, boost::test_tools::tolerance(1e-12));
    BOOST_TEST(found.power.n == 5);
    if (gain != 1) BOOST_TEST(found.power.r2 < 0.99);
  }
}

// A step from distance d to d + 1 passes on d/(d + 1): at distance d the gradient is e/d.
BOOST_AUTO_TEST_CASE(and_by_a_power_law_where_the_gains_say_so) {
  Bench b(mlp({4, 4, 4, 4}, 4, "identity"), 7);
  make_chain(b, 1);
  for (int distance = 1; distance < 4; ++distance) {
    b.value(cat("h", 5 - distance, ".weight")) *= static_cast<double>(distance) / (distance + 1);
  }
  const GradientByDepth found = b.measure("squared_error");
  BOOST_TEST(found.power.n == 4);
  BOOST_TEST(found.power.rate == 1.0, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(found.power.r2 == 1.0, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(found.exponential.r2 < 0.99);
}

BOOST_AUTO_TEST_CASE(few_layers_have_no_rate_and_a_dead_one_is_left_out) {
  Bench shallow(mlp({4, 4}, 4, "tanh"), 5);
  const GradientByDepth two = shallow.measure();
  BOOST_TEST(two.exponential.n == 2);
  BOOST_TEST(std::isnan(two.exponential.rate));
  BOOST_TEST(std::isnan(two.power.rate));
  BOOST_TEST(two.mean_abs.size() == 3U);
  Bench linear(mlp({}, 4, "tanh"), 5);
  BOOST_TEST(linear.measure().mean_abs.size() == 1U);

  Bench b(mlp({4, 4, 4, 4}, 4, "identity"), 5);
  make_chain(b, 0.5);
  b.value("h2.weight").setZero();  // layer 1 gets nothing
  const GradientByDepth found = b.measure("squared_error");
  BOOST_TEST(found.mean_abs[0] == 0.0);
  BOOST_TEST(found.norm[0] == 0.0);
  BOOST_TEST(found.exponential.n == 3);
  BOOST_TEST(found.exponential.rate == std::log(2.0), boost::test_tools::tolerance(1e-12));
}
