// Normalisation: values by hand, what moves running statistics, precision against sums in double, blocks, threads. What every
// layer must keep to is in test_layers.cpp. Built in float and in double.

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <functional>

#include "framework/core/errors.hpp"
#include "framework/graph/net.hpp"
#include "framework/layers/catalog.hpp"
#include "framework/learning/grad_sink.hpp"
#include "framework/parallel/parallel.hpp"
#include "tests/support/golden.hpp"
#include "tests/support/layer_trial.hpp"
#include "tests/support/says.hpp"
#include "tests/support/threads.hpp"

using namespace strata;
using strata::testing::bytes;
using strata::testing::LayerTrial;
using strata::testing::says;
using strata::testing::zeros;
using Json = nlohmann::ordered_json;

namespace {

constexpr bool in_float = sizeof(Scalar) == 4;
constexpr double tight = in_float ? 2e-6 : 1e-12;

std::shared_ptr<const Layer> made(const std::string& type, const Json& attributes = Json::object()) {
  Attributes a("node", attributes);
  auto layer = builtin_layers().at(type).make(a);
  a.finish();
  return layer;
}

/// With the parameters at their start: γ 1, β 0, running statistics 0 and 1.
LayerTrial trial(const std::string& type, const Json& attributes, const Shape& shape, const Matrix& x) {
  LayerTrial t(made(type, attributes), {shape}, x.cols());
  t.x[0] = x;
  const auto params = t.layer->params(t.shapes);
  for (std::size_t p = 0; p < params.size(); ++p) {
    t.w[p] = draw(params[p].init, params[p].rows, params[p].cols, Rng(1, "w"));
  }
  return t;
}

double distance(const Matrix& a, const Matrix& b) { return static_cast<double>((a - b).cwiseAbs().maxCoeff()); }

void move(LayerTrial& t) {
  std::vector<MutView> w;
  for (Matrix& m : t.w) w.push_back(mut_view(m));
  t.layer->move_statistics(t.aux, w);
}

Matrix noise(Index rows, Index cols, const std::string& name, Scalar mean = 0, Scalar sd = 1) {
  Matrix m(rows, cols);
  Rng(1, name).fill_normal(mut_view(m), mean, sd);
  return m;
}

}  // namespace

BOOST_AUTO_TEST_CASE(parameters_and_buffers) {
  const std::vector<Shape> image{{4, 3, 2}};
  const auto check = [&](const std::string& type, const Json& attributes, Index rows, bool buffers) {
    const auto layer = made(type, attributes);
    const auto params = layer->params(image);
    BOOST_TEST(params.size() == (buffers ? 4u : 2u));
    const char* names[] = {"gamma", "beta", "mean", "variance"};
    for (std::size_t p = 0; p < params.size(); ++p) {
      BOOST_TEST(params[p].name == names[p]);
      BOOST_TEST(params[p].rows == rows);
      BOOST_TEST(params[p].cols == 1);
      BOOST_TEST(params[p].trainable == (p < 2));
      const Matrix start = draw(params[p].init, rows, 1, Rng(1, "start"));
      BOOST_TEST((start.array() == Scalar(p == 0 || p == 3 ? 1 : 0)).all());
      BOOST_TEST(initial_sd(params[p].init, rows, 1) == 0);
    }
    BOOST_TEST(layer->keeps_units());
    BOOST_TEST(layer->has_statistics() == buffers);
    BOOST_TEST(layer->mixes_units() == !buffers);
    BOOST_TEST(layer->multiply_adds(image) == 0);
  };
  check("batch_norm", Json::object(), 4, true);
  check("layer_norm", Json::object(), 24, false);
  check("group_norm", {{"groups", 2}}, 4, false);
}

BOOST_AUTO_TEST_CASE(batch_norm_by_hand) {
  LayerTrial t = trial("batch_norm", {{"epsilon", 3}, {"momentum", 0.25}}, {2}, Matrix{{1, 3}, {2, -8}});
  // means 2 and −3, variances 1 and 25
  const Scalar a = 1 / std::sqrt(Scalar(4)), b = 5 / std::sqrt(Scalar(28));
  t.forward();
  BOOST_TEST(distance(t.y, Matrix{{-a, a}, {b, -b}}) < tight);
  t.w[0] << 2, -1;
  t.w[1] << 10, 20;
  t.forward();
  BOOST_TEST(distance(t.y, Matrix{{10 - 2 * a, 10 + 2 * a}, {20 - b, 20 + b}}) < 10 * tight);
  move(t);  // towards the means, and the unbiased variances 2 and 50
  BOOST_TEST(distance(t.w[2], Matrix{{0.5}, {-0.75}}) < tight);
  BOOST_TEST(distance(t.w[3], Matrix{{1.25}, {13.25}}) < 10 * tight);

  // Of an image, a channel's positions and the batch together: 0 1 2 3, mean 1.5, variance 1.25, unbiased 5/3.
  LayerTrial image = trial("batch_norm", {{"epsilon", 1}}, {2, 1, 2}, Matrix{{0, 2}, {1, 3}, {5, 5}, {5, 5}});
  image.forward();
  Matrix expected{{-1.5, 0.5}, {-0.5, 1.5}, {0, 0}, {0, 0}};
  BOOST_TEST(distance(image.y, expected / Scalar(1.5)) < tight);
  move(image);
  BOOST_TEST(distance(image.w[2], Matrix{{0.15}, {0.5}}) < tight);
  BOOST_TEST(distance(image.w[3], Matrix{{Scalar(0.9 + 0.1 * 5 / 3)}, {Scalar(0.9)}}) < tight);
}

BOOST_AUTO_TEST_CASE(sample_norms_by_hand) {
  LayerTrial layer = trial("layer_norm", {{"epsilon", 1}}, {4}, Matrix{{0, 7}, {1, 7}, {2, 7}, {3, 7}});
  layer.w[0] << 1, 2, 3, 4;
  layer.w[1] << 0, 0, 0, 9;
  layer.forward();
  BOOST_TEST(distance(layer.y, Matrix{{-1, 0}, {Scalar(-2. / 3), 0}, {1, 0}, {13, 9}}) < 10 * tight);

  // Two groups of two channels, of two positions each.
  LayerTrial group = trial("group_norm", {{"groups", 2}, {"epsilon", 1}}, {4, 1, 2},
                           Matrix{{0}, {1}, {2}, {3}, {10}, {30}, {20}, {20}});
  group.w[0] << 1, 2, 1, 1;
  group.w[1] << 0, 5, 0, 0;
  group.forward();
  const Scalar c = 10 / std::sqrt(Scalar(51));
  BOOST_TEST(distance(group.y, Matrix{{-1}, {Scalar(-1. / 3)}, {Scalar(5 + 2. / 3)}, {7}, {-c}, {c}, {0}, {0}}) <
             10 * tight);
}

BOOST_AUTO_TEST_CASE(norms_that_come_to_the_same) {
  const Matrix x = noise(6 * 35, 3, "x");
  LayerTrial whole = trial("layer_norm", Json::object(), {6, 5, 7}, x);
  LayerTrial one_group = trial("group_norm", {{"groups", 1}}, {6, 5, 7}, x);
  whole.forward();
  one_group.forward();
  BOOST_TEST(distance(whole.y, one_group.y) < 4 * tight);
  // A group a channel is batch_norm of each sample alone.
  LayerTrial each = trial("group_norm", {{"groups", 6}}, {6, 5, 7}, x);
  each.forward();
  for (Index b = 0; b < 3; ++b) {
    LayerTrial alone = trial("batch_norm", Json::object(), {6, 5, 7}, x.col(b));
    alone.forward();
    BOOST_TEST(distance(alone.y, each.y.col(b)) < 4 * tight);
  }
}

// golden/make_norms.py
BOOST_AUTO_TEST_CASE(values_and_gradients_match_torch) {
  const Json file = strata::testing::golden<Json>("norms.json");
  BOOST_TEST(file.at("cases").size() == 7u);
  for (const Json& c : file.at("cases")) {
    // A sample a column.
    const auto values = [&](const char* name) {
      const Json& rows = c.at(name);
      Matrix m(static_cast<Index>(rows.at(0).size()), static_cast<Index>(rows.size()));
      for (Index i = 0; i < m.size(); ++i) {
        m.data()[i] = rows.at(static_cast<std::size_t>(i / m.rows())).at(static_cast<std::size_t>(i % m.rows()));
      }
      return m;
    };
    const auto column = [&](const char* name) {
      const auto numbers = c.at(name).get<std::vector<Scalar>>();
      return Matrix(Eigen::Map<const Matrix>(numbers.data(), static_cast<Index>(numbers.size()), 1));
    };
    BOOST_TEST_CONTEXT(c.at("name")) {
      LayerTrial t = trial(c.at("type"), c.at("attributes"), c.at("shape").get<Shape>(), values("x"));
      t.w[0] = column("gamma");
      t.w[1] = column("beta");
      t.dy = values("dy");
      const auto pulled_back = [&] {
        std::vector<Matrix> dx = zeros(t.x);
        t.pull_back(t.w, t.dy, dx);
        return dx[0];
      };
      t.forward();
      std::vector<Matrix> g = zeros(t.w);
      t.param_grad(g, 1);
      BOOST_TEST(distance(t.y, values("y")) < 4 * tight);
      BOOST_TEST(distance(pulled_back(), values("dx")) < 10 * tight);
      BOOST_TEST(distance(g[0], column("dgamma")) < 10 * tight);
      BOOST_TEST(distance(g[1], column("dbeta")) < 10 * tight);
      if (!t.layer->has_statistics()) continue;
      move(t);
      t.x[0] *= 2;
      t.forward();
      move(t);
      t.x[0] /= 2;
      BOOST_TEST(distance(t.w[2], column("mean")) < tight);
      BOOST_TEST(distance(t.w[3], column("variance")) < 4 * tight);
      t.ctx.mode = Mode::evaluate;
      t.forward();
      BOOST_TEST(distance(t.y, values("evaluated")) < 4 * tight);
      BOOST_TEST(distance(pulled_back(), values("dx_evaluated")) < 4 * tight);
    }
  }
}

BOOST_AUTO_TEST_CASE(batch_norm_in_evaluation_is_affine_by_the_running_statistics) {
  LayerTrial t = trial("batch_norm", {{"epsilon", 0.5}}, {3, 2, 5}, noise(30, 4, "x", 3, 2));
  t.ctx.mode = Mode::evaluate;
  for (std::size_t p = 0; p < 4; ++p) t.w[p] = noise(3, 1, cat("w", p)).cwiseAbs();
  t.forward();
  std::vector<Matrix> transport = t.w, dx = zeros(t.x), g = zeros(t.w);
  transport[0] *= -2;
  transport[3] *= 3;  // not γ
  t.pull_back(transport, t.dy, dx);
  t.param_grad(g, 1);
  double y_off = 0, dx_off = 0;
  for (Index c = 0; c < 3; ++c) {
    const Scalar inverse = 1 / std::sqrt(t.w[3](c, 0) + Scalar(0.5)), gamma = t.w[0](c, 0);
    const auto rows = [&](const Matrix& m) { return m.middleRows(10 * c, 10).array(); };
    const Eigen::ArrayXXd normal = ((rows(t.x[0]) - t.w[2](c, 0)) * inverse).cast<double>();
    y_off = std::max(y_off, (rows(t.y).cast<double>() - normal * gamma - double(t.w[1](c, 0))).abs().maxCoeff());
    dx_off = std::max(dx_off, double((rows(dx[0]) + 2 * gamma * inverse * rows(t.dy)).abs().maxCoeff()));
    BOOST_TEST(std::abs(g[0](c, 0) - (normal * rows(t.dy).cast<double>()).sum()) < 20 * tight);
    BOOST_TEST(std::abs(g[1](c, 0) - rows(t.dy).sum()) < 20 * tight);
  }
  BOOST_TEST(y_off < 4 * tight);
  BOOST_TEST(dx_off < 4 * tight);
  BOOST_TEST(g[2].norm() + g[3].norm() == 0);  // buffers

  // A sample's values are its own.
  LayerTrial alone = trial("batch_norm", {{"epsilon", 0.5}}, {3, 2, 5}, t.x[0].col(2));
  alone.ctx.mode = Mode::evaluate;
  alone.w = t.w;
  alone.forward();
  BOOST_TEST((bytes(alone.y) == bytes(Matrix(t.y.col(2)))));
}

// The pass that may update statistics says what they move by, whatever passes come after it in the step.
BOOST_AUTO_TEST_CASE(later_passes_of_a_step_leave_the_statistics_to_the_first) {
  LayerTrial t = trial("batch_norm", Json::object(), {3}, noise(3, 9, "first", 2));
  t.forward();
  LayerTrial first = t;
  move(first);
  t.x[0] = noise(3, 9, "second", -5, 3);
  t.ctx = t.ctx.again();
  t.forward();
  move(t);
  for (std::size_t p : {2, 3}) BOOST_TEST((bytes(t.w[p]) == bytes(first.w[p])));
  BOOST_TEST(t.w[2].norm() > 0.1);
}

BOOST_AUTO_TEST_CASE(one_value_a_channel_has_no_variance) {
  LayerTrial t = trial("batch_norm", Json::object(), {3}, noise(3, 1, "x"));
  BOOST_CHECK_EXCEPTION(t.forward(), UsageError, says({"batch_norm", "'node'", "1 value", "more than 1", "--batch"}));
  t.ctx.mode = Mode::evaluate;
  BOOST_CHECK_NO_THROW(t.forward());
  BOOST_TEST(t.y.allFinite());
  // One sample of an image has more.
  LayerTrial image = trial("batch_norm", Json::object(), {3, 1, 2}, noise(6, 1, "x"));
  BOOST_CHECK_NO_THROW(image.forward());
  // What does not vary becomes β.
  LayerTrial still = trial("batch_norm", Json::object(), {3}, Matrix::Constant(3, 5, Scalar(1.7)));
  still.w[1].setConstant(4);
  still.forward();
  BOOST_TEST(distance(still.y, Matrix::Constant(3, 5, 4)) < 1e-3);
}

// Large batches of numbers far from 0, against sums in double.
BOOST_AUTO_TEST_CASE(sums_are_precise) {
  struct Case {
    const char* type;
    Shape shape;
    Index batch;
    Index groups;
  };
  for (const Case& c :
       {Case{"batch_norm", {2, 32, 32}, 64, 0}, Case{"batch_norm", {3, 7, 9}, 1000, 0},
        Case{"batch_norm", {70}, 5000, 0}, Case{"layer_norm", {50'000}, 2, 1}, Case{"group_norm", {4, 90, 90}, 3, 2}}) {
    BOOST_TEST_CONTEXT(c.type << " " << to_string(c.shape)) {
      const Json attributes = std::string(c.type) == "group_norm" ? Json{{"groups", c.groups}} : Json::object();
      LayerTrial t = trial(c.type, attributes, c.shape, noise(features(c.shape), c.batch, "x", 50, 2));
      t.dy = noise(t.y.rows(), c.batch, "dy", 1);
      t.forward();
      std::vector<Matrix> dx = zeros(t.x), g = zeros(t.w);
      t.pull_back(t.w, t.dy, dx);
      t.param_grad(g, 1);

      const Eigen::ArrayXXd x = t.x[0].cast<double>(), dy = t.dy.cast<double>();
      Eigen::ArrayXXd x_hat(x.rows(), x.cols()), reference(x.rows(), x.cols());
      const Index parts = c.groups > 0 ? c.groups : c.shape[0], rows = x.rows() / parts;
      const Index together = c.groups > 0 ? 1 : x.cols();
      for (Index part = 0; part < parts; ++part) {
        for (Index b = 0; b < x.cols(); b += together) {
          const auto in = x.block(part * rows, b, rows, together);
          const auto d = dy.block(part * rows, b, rows, together);
          const double inverse = 1 / std::sqrt((in - in.mean()).square().mean() + 1e-5);
          auto normal = x_hat.block(part * rows, b, rows, together);
          normal = (in - in.mean()) * inverse;
          reference.block(part * rows, b, rows, together) = inverse * (d - d.mean() - normal * (d * normal).mean());
        }
      }
      const double precise = in_float ? 1e-5 : 1e-11;
      BOOST_TEST((t.y.cast<double>().array() - x_hat).abs().maxCoeff() < precise);
      BOOST_TEST((dx[0].cast<double>().array() - reference).abs().maxCoeff() < precise);
      const Index channels = t.w[0].rows(), positions = x.rows() / channels;
      const double numbers = static_cast<double>(positions * x.cols());
      for (Index ch = 0; ch < channels; ch += std::max<Index>(1, channels / 7)) {
        const auto d = dy.middleRows(ch * positions, positions);
        const auto normal = x_hat.middleRows(ch * positions, positions);
        BOOST_TEST(std::abs(g[0](ch, 0) - (d * normal).sum()) / numbers < precise);
        BOOST_TEST(std::abs(g[1](ch, 0) - d.sum()) / numbers < precise);
      }
    }
  }
}

// As tails of other layers and with tails of their own: the activations around them are computed block by block.
BOOST_AUTO_TEST_CASE(fused_with_activations_or_not_the_same_bytes) {
  for (const Shape& shape : {Shape{24}, Shape{6, 7, 5}, Shape{4, 40, 40}, Shape{150}}) {
    GraphSpec spec{shape,
                   {{"a0", "relu", {"input"}},
                    {"n1", "batch_norm", {"a0"}},
                    {"a1", "tanh", {"n1"}},
                    {"n2", "group_norm", {"a1"}, {{"groups", 2}}},
                    {"a2", "elu", {"n2"}},
                    {"n3", "layer_norm", {"a2"}},
                    {"a3", "relu", {"n3"}},
                    {"n4", "batch_norm", {"a3"}}},
                   "n4"};
    Registry registry(1);
    const Net net(Graph(spec), registry);
    for (const ParamId id : registry.group("forward")) {
      registry.value(id) = noise(registry.value(id).rows(), 1, registry[id].name, Scalar(0.5));
    }
    const Graph& graph = net.graph();
    const Index batch = 17;
    const Matrix x = noise(features(shape), batch, "x"), dy = noise(features(shape), 2 * batch, "dy");
    const Ctx ctx;
    Activations fused(graph), apart(graph);
    net.forward(ctx, registry, view(x), fused);
    apart.set(Graph::input(), view(x));
    Deltas fused_d(graph), apart_d(graph);
    fused_d.at(graph.output(), dy.cols()) = apart_d.at(graph.output(), dy.cols()) = dy;
    for (NodeId id = 1; id < graph.size(); ++id) net.forward_nodes(ctx, registry, {id}, apart);
    const Sweep sweep{.to_input = true};
    net.backward(registry, fused, fused_d, nullptr, sweep);
    for (NodeId id = graph.size() - 1; id > 0; --id) net.pull_back_node(registry, id, apart, apart_d, sweep);
    for (NodeId id = 1; id < graph.size(); ++id) {
      BOOST_TEST_CONTEXT(to_string(shape) << " " << graph[id].name) {
        BOOST_TEST((bytes(Matrix(fused[id])) == bytes(Matrix(apart[id]))));
        BOOST_TEST((bytes(Matrix(fused_d[id])) == bytes(Matrix(apart_d[id]))));
        BOOST_TEST(Matrix(fused_d[id]).allFinite());
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(blocks_cover_everything_once_and_overwrite) {
  for (const char* type : {"batch_norm", "layer_norm", "group_norm"}) {
    const Json attributes = std::string(type) == "group_norm" ? Json{{"groups", 3}} : Json::object();
    for (const Shape& shape : {Shape{75}, Shape{6, 3, 5}, Shape{3, 50, 50}}) {
      LayerTrial t = trial(type, attributes, shape, noise(features(shape), 10, "x"));
      t.forward();
      Matrix seen = Matrix::Zero(t.y.rows(), 20), dx = Matrix::Constant(t.y.rows(), 20, 7);
      const Matrix y = t.y, dy = noise(t.y.rows(), 20, "dy");
      const auto count = [&](Index row, Index col, MutView block) {
        seen.block(row, col, block.rows(), block.cols()).array() += 1;
      };
      const View x = view(t.x[0]);
      t.y.setZero();
      t.layer->forward_blocks({t.ctx, "node"}, testing::views(t.w), {&x, 1}, mut_view(t.y), t.aux, count);
      BOOST_TEST((bytes(t.y) == bytes(y)));
      BOOST_TEST((seen.leftCols(10).array() == 1).all());
      seen.setZero();
      t.layer->pull_back_blocks(testing::views(t.w), {&x, 1}, view(t.y), t.aux, view(dy), nothing(), mut_view(dx),
                                count);
      BOOST_TEST((seen.array() == 1).all());
      std::vector<Matrix> added{Matrix::Zero(t.y.rows(), 20)};
      t.pull_back(t.w, dy, added);
      BOOST_TEST(distance(dx, added[0]) < tight);
    }
  }
}

// Backprop's way through batch norm takes its sums once; whoever asks for the two halves apart gets the same bits.
BOOST_AUTO_TEST_CASE(gradients_found_on_the_way_back_have_the_same_bits) {
  for (const Shape& shape : {Shape{75}, Shape{6, 3, 5}, Shape{3, 50, 50}}) {
    LayerTrial t = trial("batch_norm", Json::object(), shape, noise(features(shape), 10, "x"));
    t.w[0] = noise(t.w[0].rows(), 1, "gamma", 1);
    t.forward();
    const View x = view(t.x[0]);
    Matrix apart(t.y.rows(), 10), together(t.y.rows(), 10), seen = Matrix::Zero(t.y.rows(), 10);
    t.layer->pull_back_blocks(testing::views(t.w), {&x, 1}, view(t.y), t.aux, view(t.dy), nothing(), mut_view(apart),
                              {});
    std::vector<Matrix> wanted = zeros(t.w), g = zeros(t.w);
    t.param_grad(wanted, 1);
    const auto place = [&](std::size_t p) {
      g[p].setConstant(7);  // is written, not added to
      return mut_view(g[p]);
    };
    const auto back = [&] {
      return t.layer->backward_blocks(
          testing::views(t.w), {&x, 1}, view(t.y), t.aux, view(t.dy), nothing(), mut_view(together),
          [&](Index row, Index col, MutView block) { seen.block(row, col, block.rows(), block.cols()).array() += 1; },
          place);
    };
    BOOST_TEST(back());
    BOOST_TEST((bytes(together) == bytes(apart)));
    for (const std::size_t p : {0, 1, 2, 3}) BOOST_TEST((bytes(g[p]) == bytes(wanted[p])), "parameter " << p);
    BOOST_TEST((seen.array() == 1).all());
    t.ctx.mode = Mode::evaluate;
    t.forward();
    BOOST_TEST(!back());
    BOOST_TEST((seen.array() == 1).all());
  }
}

// A net's backward half reports these gradients once, whether they were found on the way back or nothing was pulled back.
BOOST_AUTO_TEST_CASE(a_net_reports_each_gradient_once) {
  Registry registry(1);
  const Net net(
      Graph({{6, 7, 5}, {{"n1", "batch_norm", {"input"}}, {"a", "tanh", {"n1"}}, {"n2", "batch_norm", {"a"}}}, "n2"}),
      registry);
  const Graph& graph = net.graph();
  const Matrix x = noise(graph[Graph::input()].units, 17, "x"), dy = noise(x.rows(), 17, "dy");
  Activations acts(graph);
  net.forward(Ctx(), registry, view(x), acts);
  for (const bool to_input : {false, true}) {  // whether n1 is pulled back through as well
    Deltas deltas(graph);
    deltas.at(graph.output(), 17) = dy;
    GradSink sink;
    net.backward(registry, acts, deltas, &sink, {.to_input = to_input});
    sink.resolve(registry, registry.group("forward"));
    for (const NodeId node : {NodeId{1}, NodeId{3}}) {
      std::vector<Matrix> wanted(4, Matrix::Zero(6, 1));
      std::vector<MutView> g;
      for (Matrix& m : wanted) g.push_back(mut_view(m));
      net.param_grad(node, acts, deltas[node], g, 1);
      for (const std::size_t p : {0, 1}) {
        BOOST_TEST((bytes(Matrix(sink.gradient(net.params(node)[p]))) == bytes(wanted[p])), node << " " << p);
      }
    }
  }
}

// Shapes of convolutional nets, whose channels are several tasks.
BOOST_AUTO_TEST_CASE(the_number_of_threads_does_not_show) {
  const testing::EightThreads eight;
  for (const char* type : {"batch_norm", "layer_norm", "group_norm"}) {
    const Json attributes = std::string(type) == "group_norm" ? Json{{"groups", 4}} : Json::object();
    for (const Shape& shape : {Shape{16, 16, 16}, Shape{64, 8, 8}, Shape{12, 5, 7}}) {
      LayerTrial t = trial(type, attributes, shape, noise(features(shape), 31, "x"));
      const auto all = [&] {
        t.forward();
        std::vector<Matrix> dx = zeros(t.x), g = zeros(t.w);
        t.pull_back(t.w, t.dy, dx);
        t.param_grad(g, 1);
        return bytes(t.y) + bytes(dx[0]) + bytes(g[0]) + bytes(g[1]);
      };
      const std::string reference = all();
      for (const int threads : {1, 2, 3, 8}) {
        with_threads(threads, [&] { BOOST_TEST((all() == reference), type << ", " << threads << " threads"); });
      }
    }
  }
}
