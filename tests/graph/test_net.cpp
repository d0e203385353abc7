// Whole nets: outputs, losses and gradients against torch (golden/make_networks.py), and what a backward sweep can do.
// Built in float and in double.
#include <boost/test/unit_test.hpp>
#include <utility>

#include "framework/core/errors.hpp"
#include "framework/graph/architectures.hpp"
#include "framework/layers/activation.hpp"
#include "framework/learning/grad_sink.hpp"
#include "framework/losses/loss.hpp"
#include "tests/support/golden.hpp"
#include "tests/support/says.hpp"

using namespace strata;
using strata::testing::bytes;
using strata::testing::golden;
using strata::testing::matrix_of;
using strata::testing::says;
using Json = nlohmann::ordered_json;

namespace {

constexpr double tight = sizeof(Scalar) == 4 ? 1e-5 : 1e-10;

/// Relative error in norm.
double error(View m, const Eigen::MatrixXd& reference) {
  BOOST_REQUIRE(m.rows() == reference.rows());
  BOOST_REQUIRE(m.cols() == reference.cols());
  return (m.cast<double>() - reference).norm() / reference.norm();
}

/// A net with all that a pass through it needs.
struct Bench {
  Registry registry{1};
  Net net;
  Activations acts;
  Deltas deltas;
  GradSink sink;
  Matrix input;  // shown by `acts`, not copied: must live as long as gradients are taken

  explicit Bench(const GraphSpec& spec) : net(Graph(spec), registry), acts(net.graph()), deltas(net.graph()) {}
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  NodeId node(const std::string& name) const { return net.graph().find(name); }
  void forward(const Matrix& x) {
    input = x;
    net.forward({.mode = Mode::evaluate}, registry, view(input), acts);
  }
  void resolve() { sink.resolve(registry, registry.group("forward")); }
  View gradient(const std::string& name) { return std::as_const(sink).gradient(registry.find(name)); }

  /// A sweep from `dy` at the output.
  void backward(const Matrix& dy, const Sweep& sweep = {}) {
    deltas.clear();
    sink.clear();
    deltas.at(net.graph().output(), dy.cols()) = dy;
    net.backward(registry, acts, deltas, &sink, sweep);
    resolve();
  }
};

Matrix random(Index rows, Index cols, const char* name) {
  Matrix m(rows, cols);
  Rng(5, name).fill_normal(mut_view(m), 0, 1);
  return m;
}

/// 5-4-4-4-3 tanh, with a skip from 1 to 3.
GraphSpec skip_net(bool skip = true) {
  MlpSpec s;
  s.input = {5};
  s.hidden = {4, 4, 4};
  s.outputs = 3;
  if (skip) s.skips = {{1, 3}};
  return mlp_graph(s);
}

}  // namespace

BOOST_AUTO_TEST_CASE(outputs_losses_and_gradients_match_torch) {
  const Json file = golden<Json>("networks.json");
  BOOST_TEST(file.at("cases").size() >= 8u);
  for (const Json& c : file.at("cases")) {
    BOOST_TEST_CONTEXT(c.at("name")) {
      Bench b(graph_spec_from_json(c.at("graph")));
      for (const auto& p : c.at("parameters").items()) {
        const Eigen::MatrixXd value = matrix_of(p.value().at("value"));
        Matrix& w = b.registry.value(b.registry.find(p.key()));
        BOOST_REQUIRE((w.rows() == value.rows() && w.cols() == value.cols()));
        w = value.cast<Scalar>();
      }
      BOOST_TEST(static_cast<std::size_t>(b.registry.size()) == c.at("parameters").size());
      const Matrix x = matrix_of(c.at("x")).transpose().cast<Scalar>();
      const Matrix t = matrix_of(c.at("targets")).transpose().cast<Scalar>();
      const Batch batch{.x = view(x), .one_hot = view(t), .labels = {}, .ids = {}};
      b.forward(x);
      const View out = b.acts[b.net.graph().output()];
      BOOST_TEST(error(out, matrix_of(c.at("output")).transpose()) < tight);
      const auto loss = make_loss(c.at("loss"));
      BOOST_TEST(loss->value(out, batch) == c.at("value").get<double>(), boost::test_tools::tolerance(tight));
      Matrix dy(out.rows(), out.cols());
      loss->gradient(out, batch, mut_view(dy));
      b.backward(dy, {.to_input = true});
      for (const auto& p : c.at("parameters").items()) {
        BOOST_TEST_CONTEXT(p.key()) {
          BOOST_REQUIRE(b.sink.has(b.registry.find(p.key())));
          BOOST_TEST(error(b.gradient(p.key()), matrix_of(p.value().at("gradient"))) < tight);
        }
      }
      BOOST_TEST(error(b.deltas[Graph::input()], matrix_of(c.at("input_gradient")).transpose()) < tight);
    }
  }
}

BOOST_AUTO_TEST_CASE(parameters_are_registered_by_name) {
  Registry r(1);
  const Net net(Graph(skip_net()), r, "inverse/", "inverse");
  BOOST_TEST(r.size() == 8);
  const NodeId h2 = net.graph().find("h2");
  BOOST_TEST(net.params(h2).size() == 2u);
  BOOST_TEST(r[net.params(h2)[0]].name == "inverse/h2.weight");
  BOOST_TEST(r[net.params(h2)[1]].name == "inverse/h2.bias");
  BOOST_TEST(r.value(net.params(h2)[1]).norm() == 0);
  BOOST_TEST(net.params(net.graph().find("a2")).empty());
  BOOST_TEST(r.group("inverse").size() == 8u);
  BOOST_CHECK_EXCEPTION(Net(Graph(skip_net()), r, "inverse/"), GraphError, says({"'inverse/h1.weight'"}));
  const Net fixed(Graph(skip_net()), r, "fixed/", "fixed", false);
  BOOST_TEST(r.group("fixed").empty());
  BOOST_TEST(!r[fixed.params(h2)[0]].trainable);
  // Plain and skip nets start from the same numbers.
  Registry again(1), other(1);
  const Net a(Graph(skip_net()), again), b(Graph(skip_net(false)), other);
  for (const char* name : {"h1.weight", "h2.weight", "h3.weight", "logits.weight"}) {
    BOOST_TEST((bytes(again.value(again.find(name))) == bytes(other.value(other.find(name)))));
  }
}

BOOST_AUTO_TEST_CASE(batches_of_any_size) {
  Bench b(skip_net());
  const Matrix x = random(5, 20, "x");
  b.forward(x);
  const Matrix all = b.acts[b.net.graph().output()];
  for (const Index n : {7, 1, 0, 20}) {  // buffers shrink and grow
    b.forward(x.leftCols(n));
    const Matrix some = b.acts[b.net.graph().output()];
    BOOST_TEST(some.cols() == n);
    BOOST_TEST((some - all.leftCols(n)).norm() < tight);
    b.backward(Matrix::Ones(3, n), {.to_input = true});
    BOOST_TEST(b.deltas[0].cols() == n);
  }
  const Matrix wrong = random(6, 2, "wrong");
  BOOST_CHECK_EXCEPTION(b.forward(wrong), ShapeError, says({"6 features", "expected 5", "[5]"}));
}

BOOST_AUTO_TEST_CASE(parts_of_a_net) {
  Bench b(skip_net());
  const Matrix x = random(5, 3, "x");
  b.forward(x);
  const Matrix before = b.acts[b.net.graph().output()];
  const NodeId a2 = b.node("a2");
  const Matrix kept = b.acts[a2];
  b.acts.own(a2, 3).setZero();
  b.net.forward_nodes({}, b.registry, {b.node("h3"), b.node("s3"), b.node("a3"), b.node("logits")}, b.acts);
  BOOST_TEST((Matrix(b.acts[b.net.graph().output()]) - before).norm() > 1e-3);
  b.acts.set(a2, view(kept));
  b.net.forward_nodes({}, b.registry, {b.node("h3"), b.node("s3"), b.node("a3"), b.node("logits")}, b.acts);
  BOOST_TEST((bytes(b.acts[b.net.graph().output()]) == bytes(before)));
}

// Readers take what they are shown, forward and back; the node itself keeps its own value for its derivative.
BOOST_AUTO_TEST_CASE(readers_may_be_shown_another_value) {
  Bench b(skip_net(false));
  const Matrix x = random(5, 3, "x"), dy = random(3, 3, "dy"), state = random(4, 3, "state");
  b.forward(x);
  b.backward(dy);
  const Matrix a2 = b.acts[b.node("a2")], dz2 = b.deltas[b.node("h2")], da2 = b.deltas[b.node("a2")];
  b.acts.show_readers(b.node("a2"), view(state));
  BOOST_TEST((bytes(b.acts[b.node("a2")]) == bytes(a2)));
  BOOST_TEST((bytes(b.acts.for_readers(b.node("a2"))) == bytes(state)));
  b.net.forward_nodes({}, b.registry, b.net.graph().after(b.node("a2")), b.acts);
  b.backward(dy);
  const View h3 = b.acts[b.node("h3")];
  const Matrix& W3 = b.registry.value(b.registry.find("h3.weight"));
  BOOST_TEST(error(h3, (W3 * state).cast<double>()) < tight);  // biases are 0
  BOOST_TEST(error(b.gradient("h3.weight"), (b.deltas[b.node("h3")] * state.transpose()).cast<double>()) < tight);
  const Matrix expected = Matrix(b.deltas[b.node("a2")]).cwiseProduct(Matrix(1 - a2.array().square()));
  BOOST_TEST(error(b.deltas[b.node("h2")], expected.cast<double>()) < tight);
  BOOST_TEST((Matrix(b.deltas[b.node("a2")]) - da2).norm() > 1e-3);
  // Computed anew, a node shows its value again.
  b.forward(x);
  b.backward(dy);
  BOOST_TEST((bytes(b.deltas[b.node("h2")]) == bytes(dz2)));
}

BOOST_AUTO_TEST_CASE(a_rule_may_step_in_at_credit_points) {
  Bench b(skip_net());
  const Matrix x = random(5, 3, "x"), dy = random(3, 3, "dy");
  b.forward(x);
  b.backward(dy);
  const Matrix untouched = b.gradient("h1.weight");
  std::vector<std::string> met;
  const auto look = [&](NodeId point, MutView) { met.push_back(b.net.graph()[point].name); };
  b.backward(dy, {.at_point = look});
  BOOST_TEST((bytes(b.gradient("h1.weight")) == bytes(untouched)));
  const std::vector<std::string> from_the_top = {"a3", "a2", "a1"};
  BOOST_TEST(met == from_the_top, boost::test_tools::per_element());
  // What is put at a3 goes on in place of what arrived; what a1 gets comes over both ways.
  Matrix arrived(4, 3);
  const auto change = [&](NodeId point, MutView delta) {
    if (point == b.node("a3")) delta *= 2;
    if (point == b.node("a1")) arrived = delta;
  };
  b.backward(dy, {.at_point = change});
  BOOST_TEST(error(b.gradient("h1.weight"), (2 * untouched).cast<double>()) < tight);
  BOOST_TEST(error(b.deltas[b.node("a1")], arrived.cast<double>()) < tight);
}

BOOST_AUTO_TEST_CASE(transport_replaces_weights_on_the_way_back_alone) {
  Bench b(skip_net());
  const ParamId w = b.registry.find("logits.weight");
  const ParamId feedback = b.registry.add_buffer("B", "feedback", 3, 4, Initializer::normal(1));
  Transport transport(static_cast<std::size_t>(w) + 1);
  for (ParamId id = 0; id <= w; ++id) transport[static_cast<std::size_t>(id)] = id;
  transport[static_cast<std::size_t>(w)] = feedback;
  const Matrix x = random(5, 3, "x"), dy = random(3, 3, "dy");
  b.forward(x);
  b.backward(dy);
  const Matrix own = b.gradient("logits.weight"), below = b.gradient("h3.weight");
  b.backward(dy, {.transport = &transport});
  BOOST_TEST((bytes(b.gradient("logits.weight")) == bytes(own)));
  BOOST_TEST((Matrix(b.gradient("h3.weight")) - below).norm() > 1e-3);
  BOOST_TEST(error(b.deltas[b.node("a3")], (b.registry.value(feedback).transpose() * dy).cast<double>()) < tight);
  // The same as a net that has B for a weight, but for the last layer.
  b.registry.value(w) = b.registry.value(feedback);
  const Matrix transported = b.gradient("h1.weight");
  b.backward(dy);
  BOOST_TEST((bytes(b.gradient("h1.weight")) == bytes(transported)));
}

BOOST_AUTO_TEST_CASE(signals_stop_at_credit_points) {
  Bench b(skip_net());
  const Matrix x = random(5, 3, "x"), dy = random(3, 3, "dy");
  b.forward(x);
  b.backward(dy, {.stop_at_credit_points = true});
  BOOST_TEST(b.sink.has(b.registry.find("logits.weight")));
  for (const char* name : {"h1.weight", "h2.weight", "h3.weight"}) BOOST_TEST(!b.sink.has(b.registry.find(name)));
  BOOST_TEST(!b.deltas.present(b.node("a3")));
  // A signal of its own at a3 reaches layer 3, and neither layer 2 nor, by the skip, layer 1.
  b.deltas.clear();
  b.sink.clear();
  b.deltas.at(b.node("a3"), 3).setOnes();
  b.net.backward(b.registry, b.acts, b.deltas, &b.sink, {.stop_at_credit_points = true});
  b.resolve();
  BOOST_TEST(b.sink.has(b.registry.find("h3.weight")));
  for (const char* name : {"h1.weight", "h2.weight", "logits.weight"}) BOOST_TEST(!b.sink.has(b.registry.find(name)));
  BOOST_TEST(!b.deltas.present(b.node("a1")));
  BOOST_TEST(!b.deltas.present(b.node("a2")));
}

BOOST_AUTO_TEST_CASE(signals_at_several_nodes_add_up) {
  Bench b(skip_net());
  const Matrix x = random(5, 3, "x"), top = random(3, 3, "top"), middle = random(4, 3, "middle");
  b.forward(x);
  const auto gradient = [&](bool with_top, bool with_middle) {
    b.deltas.clear();
    b.sink.clear();
    if (with_top) b.deltas.at(b.net.graph().output(), 3) = top;
    if (with_middle) b.deltas.at(b.node("a2"), 3) = middle;
    b.net.backward(b.registry, b.acts, b.deltas, &b.sink);
    b.resolve();
    return Matrix(b.gradient("h1.weight"));
  };
  const Eigen::MatrixXd sum = gradient(true, false).cast<double>() + gradient(false, true).cast<double>();
  BOOST_TEST(error(view(gradient(true, true)), sum) < tight);
}

// A layer and the function on its values are computed block by block together. One at a time gives the same bytes.
BOOST_AUTO_TEST_CASE(fused_or_not_the_same_bytes) {
  MlpSpec mlp;
  mlp.input = {70};
  mlp.hidden = {150, 150, 90};
  mlp.outputs = 10;
  mlp.skips = {{1, 2}};
  for (const std::string& activation : activation_names()) {
    mlp.activation = activation;
    Bench fused(mlp_graph(mlp)), apart(mlp_graph(mlp));
    const Graph& graph = fused.net.graph();
    Matrix x(70, 40), dy(10, 80);  // two cotangents a sample
    Rng(1, "x").fill_normal(mut_view(x), 0, 1);
    Rng(1, "dy").fill_normal(mut_view(dy), 0, 1);
    fused.forward(x);
    apart.acts.set(Graph::input(), view(x));
    for (NodeId id = 1; id < graph.size(); ++id) {
      apart.net.forward_nodes({.mode = Mode::evaluate}, apart.registry, {id}, apart.acts);
    }
    const auto same = [](View a, View b) { return bytes(Matrix(a)) == bytes(Matrix(b)); };
    const Sweep sweep{.to_input = true};
    fused.deltas.at(graph.output(), dy.cols()) = dy;
    fused.net.backward(fused.registry, fused.acts, fused.deltas, nullptr, sweep);
    apart.deltas.at(graph.output(), dy.cols()) = dy;
    for (NodeId id = graph.size() - 1; id > 0; --id) {
      apart.net.pull_back_node(apart.registry, id, apart.acts, apart.deltas, sweep);
    }
    for (NodeId id = 0; id < graph.size(); ++id) {
      BOOST_TEST_CONTEXT(activation << " " << graph[id].name) {
        BOOST_TEST(same(fused.acts[id], apart.acts[id]));
        BOOST_TEST(same(fused.deltas[id], apart.deltas[id]));
      }
    }
  }
}

// The same for nets of images, where signals through skips are shown and not copied and gradients are found on the way.
BOOST_AUTO_TEST_CASE(nets_of_images_fused_or_not) {
  for (const char* name : {"resnet8", "smallconv"}) {
    const GraphSpec spec = chain_graph(architectures().at(name).make({3, 12, 16}, 5));
    Bench fused(spec), apart(spec);
    const Graph& graph = fused.net.graph();
    const Index batch = 37;
    const Matrix x = random(graph[Graph::input()].units, batch, "x"), dy = random(5, batch, "dy");
    for (Bench* b : {&fused, &apart}) b->net.forward({.mode = Mode::train}, b->registry, view(x), b->acts);
    const Sweep sweep{.to_input = true};
    fused.backward(dy, sweep);
    apart.deltas.at(graph.output(), batch) = dy;
    for (NodeId id = graph.size() - 1; id > 0; --id) {
      apart.net.pull_back_node(apart.registry, id, apart.acts, apart.deltas, sweep);
      if (!apart.net.params(id).empty()) apart.sink.add(apart.net, id, apart.acts, apart.deltas[id]);
    }
    apart.resolve();
    const auto same = [](View a, View b) { return (a.array() == b.array()).all(); };
    for (NodeId id = 0; id < graph.size(); ++id) {
      BOOST_TEST(same(fused.deltas[id], apart.deltas[id]), name << " " << graph[id].name);
      for (const ParamId p : fused.net.params(id)) {
        if (!fused.sink.has(p)) continue;
        BOOST_TEST(same(std::as_const(fused.sink).gradient(p), std::as_const(apart.sink).gradient(p)),
                   name << " " << fused.registry[p].name);
      }
    }
  }
}

// A signal that is shown belongs to somebody else: it is copied before anybody adds to it.
BOOST_AUTO_TEST_CASE(shown_signals_are_not_written_to) {
  Bench b(skip_net());
  const NodeId node = b.node("a2");
  const Matrix theirs = random(4, 3, "theirs");
  b.deltas.show(node, view(theirs));
  BOOST_TEST(b.deltas.present(node));
  BOOST_TEST(b.deltas[node].data() == theirs.data());
  MutView own = b.deltas.at(node, 3);
  BOOST_TEST(own.data() != theirs.data());
  BOOST_TEST((own.array() == theirs.array()).all());
  own.setConstant(5);
  BOOST_TEST((b.deltas[node].array() == 5).all());
  BOOST_TEST((theirs.array() == random(4, 3, "theirs").array()).all());
  b.deltas.show(node, view(theirs));
  b.deltas.clear();
  BOOST_TEST(!b.deltas.present(node));
  BOOST_TEST(b.deltas.at(node, 3).isZero(0));
}

// Column k·B + b of the deltas belongs to sample b: a whole net's Jacobian in one sweep.
// A delta of single neurons, which picks rows of the weights; behind a layer_norm it is of single neurons no more.
BOOST_AUTO_TEST_CASE(derivatives_of_single_neurons_go_through_normalisations) {
  for (const char* norm : {"batch_norm", "layer_norm"}) {
    const GraphSpec spec{{5},
                         {{"h1", "dense", {"input"}, {{"units", 4}}},
                          {"n1", norm, {"h1"}},
                          {"a1", "tanh", {"n1"}},
                          {"h2", "dense", {"a1"}, {{"units", 4}}},
                          {"n2", norm, {"h2"}},
                          {"a2", "tanh", {"n2"}},
                          {"out", "dense", {"a2"}, {{"units", 3}}}},
                         "out"};
    Bench b(spec);
    b.forward(random(5, 2, "x"));
    const std::vector<Index> unit{3, 3, 1, 1};
    const auto by_input = [&](const Sweep& sweep) {
      b.deltas.clear();
      MutView d = b.deltas.at(b.node("a2"), 4);
      for (Index c = 0; c < 4; ++c) d(unit[static_cast<std::size_t>(c)], c) = 1;
      b.net.backward(b.registry, b.acts, b.deltas, nullptr, sweep);
      return Matrix(b.deltas[Graph::input()]);
    };
    const Matrix plain = by_input({.to_input = true});
    const Matrix picked = by_input({.to_input = true, .one_hot = b.node("a2"), .unit = unit});
    BOOST_TEST_CONTEXT(norm) { BOOST_TEST(error(view(picked), plain.cast<double>()) < tight); }
  }
}

BOOST_AUTO_TEST_CASE(many_cotangents_at_once) {
  Bench b(skip_net());
  const Matrix x = random(5, 4, "x"), dy = random(3, 12, "dy");
  b.forward(x);
  const auto pulled = [&](const Matrix& d) {
    b.deltas.clear();
    b.deltas.at(b.net.graph().output(), d.cols()) = d;
    b.net.backward(b.registry, b.acts, b.deltas, nullptr, {.to_input = true});
    return Matrix(b.deltas[0]);
  };
  const Matrix together = pulled(dy);
  for (Index k = 0; k < 3; ++k) {
    const Matrix one = pulled(dy.middleCols(4 * k, 4));
    BOOST_TEST(error(view(one), together.middleCols(4 * k, 4).cast<double>()) < tight);
  }
}
