// The Gauss–Newton step on activations against dense linear algebra on Jacobians by finite differences, and the angle to
// it that the trainer measures. In double.
#include <Eigen/LU>
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "framework/analysis/angle.hpp"
#include "framework/analysis/gauss_newton.hpp"
#include "rules/builtin.hpp"
#include "tests/support/learning.hpp"

using namespace strata;
using namespace strata::testing;

namespace {

constexpr double damping = gauss_newton_damping;
const auto tight = boost::test_tools::tolerance(1e-6);

MlpSpec mlp(std::vector<Index> hidden, Index outputs) {
  MlpSpec s;
  s.input = {6};
  s.hidden = std::move(hidden);
  s.outputs = outputs;
  return s;
}

Matrix random(Index rows, Index cols, const char* name) {
  Matrix m(rows, cols);
  Rng(5, name).fill_normal(mut_view(m), 0, 1);
  return m;
}

/// A net after a forward pass of `examples`, with an error at its output.
struct Point {
  Registry registry{3};
  Net net;
  Activations acts;
  Deltas deltas;
  Matrix x, e;
  Ctx ctx{Mode::evaluate, false, 1, 0};

  Point(const MlpSpec& spec, Index examples, Mode mode = Mode::evaluate)
      : net(Graph(mlp_graph(spec)), registry), acts(net.graph()), deltas(net.graph()), x(random(6, examples, "x")),
        e(random(spec.outputs, examples, "e")) {
    ctx.mode = mode;
    net.forward(ctx, registry, view(x), acts);
  }
  Point(const Point&) = delete;
  Point& operator=(const Point&) = delete;

  void solve(double damp = damping) { gauss_newton_deltas(net, registry, acts, view(e), damp, deltas); }
  Matrix delta(NodeId node) const { return deltas[node]; }

  /// ∂output/∂(value of `node`) of one example, all other values at `node`'s depth and before held.
  Matrix jacobian(NodeId node, Index example) const {
    const Graph& graph = net.graph();
    std::vector<NodeId> behind;
    for (NodeId id = node + 1; id < graph.size(); ++id) behind.push_back(id);
    constexpr double h = 1e-5;
    Matrix j(e.rows(), graph[node].units);
    for (Index unit = 0; unit < j.cols(); ++unit) {
      Matrix side[2];
      for (const int s : {0, 1}) {
        Activations moved(graph);
        net.forward(ctx, registry, view(x), moved);
        Matrix a = moved[node];
        a(unit, example) += s == 0 ? -h : h;
        moved.set(node, view(a));
        net.forward_nodes(ctx, registry, behind, moved);
        side[s] = moved[graph.output()].col(example);
      }
      j.col(unit) = (side[1] - side[0]) / (2 * h);
    }
    return j;
  }
};

/// (JᵀJ + λI)⁻¹ Jᵀ e, which is Jᵀ(JJᵀ + λI)⁻¹ e by the push-through identity.
Matrix by_the_other_side(const Matrix& j, const Matrix& e, double damp) {
  const double lambda = damp * j.squaredNorm() / static_cast<double>(j.rows());
  const Matrix square = j.transpose() * j + lambda * Matrix::Identity(j.cols(), j.cols());
  return square.fullPivLu().solve(j.transpose() * e);
}

double error(const Matrix& m, const Matrix& reference) { return (m - reference).norm() / reference.norm(); }

/// The Gauss–Newton step as a learning rule.
class Newton final : public LearningRule {
 public:
  void compute(const Phase&, const Ctx& ctx, const Model& m, const Batch& batch, Workspace& ws,
               GradSink& g) const override {
    const Matrix e = output_error(ctx, m, batch, ws.acts(), ws.deltas());
    gauss_newton_deltas(m.net, m.registry, ws.acts(), view(e), damping, ws.deltas());
    m.net.backward(m.registry, ws.acts(), ws.deltas(), &g, {.stop_at_credit_points = true});
  }
};

const RuleEntry& builtin(const std::string& name) {
  static const Catalog all = builtin_catalog();
  return all.at(name);
}

Setting setting(std::vector<Index> hidden, Index classes = 3) {
  return {{.features = 6, .classes = classes, .clusters = 1, .train = 60 + classes, .test = 30}, 20, std::move(hidden)};
}

std::vector<double> angles(Trainer& trainer) {
  train(trainer, 1);
  return trainer.layer_metrics().back().angle_to_gauss_newton;
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_formula_example_by_example) {
  MlpSpec skips = mlp({5, 4, 5}, 3);
  skips.skips = {{1, 3}};
  MlpSpec to_output = mlp({4, 4, 4}, 4);
  to_output.skips = {{2, 4}};
  MlpSpec concat = mlp({5, 4, 3}, 3);
  concat.skips = {{1, 3}};
  concat.skip_mode = SkipMode::concat;
  MlpSpec dropout = mlp({7, 9}, 3);
  dropout.dropout = 0.4;
  for (const MlpSpec& spec : {mlp({5}, 3), mlp({2, 5}, 4), skips, to_output, concat, dropout}) {
    for (const double damp : {1e-3, 0.5}) {
      Point p(spec, 3, spec.dropout > 0 ? Mode::train : Mode::evaluate);
      p.solve(damp);
      const Graph& graph = p.net.graph();
      BOOST_TEST((bytes(p.delta(graph.output())) == bytes(p.e)));
      for (const NodeId point : graph.credit_points()) {
        BOOST_REQUIRE(p.deltas.present(point));
        for (Index b = 0; b < 3; ++b) {
          BOOST_TEST_CONTEXT(graph[point].name << " of " << graph.size() << " nodes, example " << b) {
            const Matrix j = p.jacobian(point, b);
            BOOST_TEST(error(p.delta(point).col(b), by_the_other_side(j, p.e.col(b), damp)) < 1e-5);
          }
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(what_damping_does) {
  Point p(mlp({8}, 3), 2);
  const NodeId a1 = p.net.graph().find("a1");
  const Matrix j = p.jacobian(a1, 1), e = p.e.col(1);
  // None: the change undoes e, and no smaller one does (it has no part that J does not see).
  p.solve(0);
  const Matrix exact = p.delta(a1).col(1);
  BOOST_TEST(error(j * exact, e) < 1e-7);
  BOOST_TEST(error(j.transpose() * (j * j.transpose()).fullPivLu().solve(j * exact), exact) < 1e-7);
  // Much: backprop's direction, Jᵀe/λ.
  p.solve(1e9);
  const Matrix small = p.delta(a1).col(1);
  BOOST_TEST(error(small * 1e9 * j.squaredNorm() / 3, j.transpose() * e) < 1e-7);
  // Relative: weights ten times as large give a tenth of the step, whatever the damping.
  p.solve();
  const Matrix step = p.delta(a1);
  p.registry.value(p.registry.find("logits.weight")) *= 10;
  p.net.forward(p.ctx, p.registry, view(p.x), p.acts);
  p.solve();
  BOOST_TEST(error(10 * p.delta(a1), step) < 1e-9);
}

BOOST_AUTO_TEST_CASE(many_examples_are_like_one_at_a_time) {
  Point all(mlp({5, 4}, 3), 37);
  all.solve();
  for (const Index b : {0, 15, 16, 31, 36}) {
    Point one(mlp({5, 4}, 3), 1);
    one.x = all.x.col(b);
    one.e = all.e.col(b);
    one.net.forward(one.ctx, one.registry, view(one.x), one.acts);
    one.solve();
    for (const NodeId point : all.net.graph().credit_points()) {
      BOOST_TEST(error(all.delta(point).col(b), one.delta(point)) < 1e-9);
    }
  }
}

BOOST_AUTO_TEST_CASE(where_nothing_leads_to_the_output) {
  Point p(mlp({5, 4}, 3), 4);
  p.registry.value(p.registry.find("h2.weight")).setZero();
  p.net.forward(p.ctx, p.registry, view(p.x), p.acts);
  for (const char* name : {"a1", "a2"}) p.deltas.at(p.net.graph().find(name), 4).setConstant(7);  // of an earlier sweep
  p.solve();
  BOOST_TEST(p.delta(p.net.graph().find("a1")).norm() == 0);
  BOOST_TEST(p.delta(p.net.graph().find("a2")).norm() > 0);
}

BOOST_AUTO_TEST_CASE(the_trainers_angle_to_its_own_kind_is_0) {
  for (const double dropout : {0.0, 0.3}) {
    Setting s = setting({7, 5});
    s.net.dropout = dropout;
    const auto newton = s.trainer(std::make_unique<Newton>(), {{"forward", default_optimizer("sgd")}});
    const std::vector<double> found = angles(*newton);
    BOOST_REQUIRE(found.size() == 3U);
    for (const double angle : found) BOOST_TEST(angle == 0.0);
    // Backprop agrees in the last layer alone, whose step is the error itself.
    const auto backprop = s.trainer(builtin("backprop"));
    const std::vector<double> other = angles(*backprop);
    for (const std::size_t hidden : {0, 1}) {
      BOOST_TEST(other[hidden] > 1);
      BOOST_TEST(other[hidden] < 90);
    }
    BOOST_TEST(other[2] == 0.0);
  }
  const Setting one_layer = setting({});
  const auto trainer = one_layer.trainer(builtin("backprop"));
  BOOST_TEST(angles(*trainer) == std::vector<double>{0}, boost::test_tools::per_element());
}

// The same angle worked out by hand: gradients of a hidden layer are δ ⊙ (1 − a²) times the input, summed over examples.
BOOST_AUTO_TEST_CASE(the_trainers_angle_by_hand) {
  Setting s = setting({4});
  s.train.probe_examples = 1000;  // all of the training split
  const auto trainer = s.trainer(builtin("backprop"));
  train(*trainer, 1);
  // A net like the trainer's, with its parameters, over the same examples.
  Registry registry(s.train.seed);
  const Net net(s.graph(), registry);
  for (ParamId id = 0; id < registry.size(); ++id) registry.value(id) = trainer->registry().value(id);
  BatchBuffer buffer(s.data, static_cast<Index>(s.split.train.size()));
  const Batch batch = buffer.gather(s.data.train, s.split.train);
  Activations acts(net.graph());
  net.forward({.mode = Mode::evaluate}, registry, batch.x, acts);
  const Matrix a = acts[net.graph().find("a1")], out = acts[net.graph().output()];
  Matrix e(3, batch.size());
  make_loss("cross_entropy")->gradient(view(out), batch, mut_view(e));
  const Matrix w = registry.value(registry.find("logits.weight"));
  const Matrix slope = 1 - a.array().square();
  Matrix newton = Matrix::Zero(4, 7), backprop = Matrix::Zero(4, 7);  // the bias is the last column
  for (Index b = 0; b < batch.size(); ++b) {
    Matrix x(7, 1);
    x << batch.x.col(b), 1;
    // J is W for every example, since the output is linear in a1.
    newton += by_the_other_side(w, e.col(b), damping).cwiseProduct(slope.col(b)) * x.transpose();
    backprop += (w.transpose() * e.col(b)).cwiseProduct(slope.col(b)) * x.transpose();
  }
  const LayerMetrics& row = trainer->layer_metrics().back();
  BOOST_TEST(row.angle_to_gauss_newton[0] == angle_degrees(view(backprop), view(newton)), tight);
  BOOST_TEST(row.angle_to_gauss_newton[0] > 1);
}

BOOST_AUTO_TEST_CASE(the_trainers_angle_where_there_is_none) {
  const Setting s = setting({7, 5});
  const auto frozen = s.trainer(builtin("frozen"));
  const std::vector<double> found = angles(*frozen);
  BOOST_TEST(std::isnan(found[0]));  // its pseudo-gradient is nothing
  BOOST_TEST(std::isnan(found[1]));
  BOOST_TEST(found[2] == 0.0);
  // A sweep an output: from 33 outputs on it is left out.
  for (const Index classes : {32, 33}) {
    const Setting wide = setting({7}, classes);
    const auto trainer = wide.trainer(builtin("backprop"));
    const std::vector<double> of_wide = angles(*trainer);
    BOOST_REQUIRE(of_wide.size() == 2U);
    for (const double angle : of_wide) BOOST_TEST(std::isnan(angle) == (classes == 33));
    for (const double angle : trainer->layer_metrics().back().angle_to_backprop) BOOST_TEST(angle == 0.0);
  }
}
