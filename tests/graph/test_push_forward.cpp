// The forward derivative is the adjoint of the backward sweep, which is checked against central differences elsewhere:
// ⟨c, J v⟩ = ⟨Jᵀ c, v⟩ for a net with every kind of layer. In double.
#include <boost/test/unit_test.hpp>

#include "framework/core/errors.hpp"
#include "framework/learning/grad_sink.hpp"
#include "tests/support/says.hpp"

using namespace strata;
using strata::testing::says;

namespace {

Matrix random(Index rows, Index cols, const std::string& name) {
  Matrix m(rows, cols);
  Rng(3, name).fill_normal(mut_view(m), 0, 1);
  return m;
}

GraphSpec every_layer() {
  GraphSpec spec{{5}, {{"scaled", "normalize", {"input"}, {{"mean", 0.5}, {"sd", 2}}}}, "out"};
  std::string below = "scaled";
  std::vector<std::string> parts;
  for (const char* f : {"identity", "tanh", "sigmoid", "hard_sigmoid", "relu", "leaky_relu", "elu"}) {
    const std::string name = cat("h_", f);
    spec.nodes.push_back({name, "dense", {below}, {{"units", 4}}});
    spec.nodes.push_back({cat("a_", f), f, {name}});
    parts.push_back(below = cat("a_", f));
  }
  spec.nodes.push_back({"sum", "add", {parts[0], parts[3], parts[6]}});
  spec.nodes.push_back({"of_batch", "batch_norm", {"sum"}});
  spec.nodes.push_back({"of_sample", "layer_norm", {"of_batch"}});
  spec.nodes.push_back({"of_groups", "group_norm", {"of_sample"}, {{"groups", 2}}});
  spec.nodes.push_back({"drop", "dropout", {"of_groups"}, {{"rate", 0.4}}});
  spec.nodes.push_back({"stack", "concat", {"drop", parts[1], parts[2]}});
  spec.nodes.push_back({"flat", "flatten", {"stack"}});
  spec.nodes.push_back({"out", "dense", {"flat"}, {{"units", 3}, {"bias", false}}});
  return spec;
}

}  // namespace

BOOST_AUTO_TEST_CASE(is_the_adjoint_of_the_backward_sweep) {
  Registry registry(1);
  const Net net(Graph(every_layer()), registry);
  const Index batch = 6;
  const Matrix x = random(5, batch, "x");
  const Ctx ctx{Mode::train, true, 9, 2};
  Activations acts(net.graph()), tangents(net.graph());
  net.forward(ctx, registry, view(x), acts);

  std::vector<Matrix> directions;
  std::vector<View> dw;
  std::vector<ParamId> ids;
  for (ParamId id = 0; id < registry.size(); ++id) {
    directions.push_back(random(registry.value(id).rows(), registry.value(id).cols(), cat("v", id)));
    ids.push_back(id);
  }
  for (const Matrix& d : directions) dw.push_back(view(d));
  const Matrix dx = random(5, batch, "dx");
  const NodeId out = net.graph().output();
  const Matrix c = random(3, batch, "c");

  Deltas deltas(net.graph());
  deltas.at(out, batch) = c;
  GradSink sink;
  net.backward(registry, acts, deltas, &sink, {.to_input = true});
  sink.resolve(registry, ids);

  net.push_forward(registry, acts, dw, view(dx), tangents);
  const double forward = c.cwiseProduct(tangents[out]).sum();
  double backward = dx.cwiseProduct(deltas[Graph::input()]).sum();
  for (const ParamId id : ids) {
    if (!sink.has(id)) continue;  // running statistics
    backward += directions[static_cast<std::size_t>(id)].cwiseProduct(std::as_const(sink).gradient(id)).sum();
  }
  BOOST_TEST(std::abs(forward) > 1e-3);
  BOOST_TEST(forward == backward, boost::test_tools::tolerance(1e-12));

  // A direction in the last weights alone: nothing before them has a tangent.
  std::vector<View> last;
  const ParamId w = registry.find("out.weight");
  for (const ParamId id : ids) last.push_back(id == w ? dw[static_cast<std::size_t>(id)] : nothing());
  net.push_forward(registry, acts, last, nothing(), tangents);
  BOOST_TEST(!given(tangents[net.graph().find("stack")]));
  const Matrix expected = directions[static_cast<std::size_t>(w)] * acts[net.graph().find("flat")];
  BOOST_TEST((tangents[out] - expected).norm() < 1e-12 * expected.norm());
}

BOOST_AUTO_TEST_CASE(a_layer_without_one_says_so) {
  class Plain final : public Layer {
    std::string type() const override { return "plain"; }
    Shape infer(std::span<const Shape> in) const override { return in[0]; }
    void forward(const NodeCtx&, Views, Views x, MutView y, Aux&) const override { y = x[0]; }
    void pull_back(Views, Views, View, const Aux&, View, MutViews) const override {}
  };
  const Plain layer;
  const Layer& base = layer;
  Matrix m = Matrix::Zero(1, 1);
  BOOST_CHECK_EXCEPTION(base.push_forward({}, {}, view(m), {}, {}, {}, mut_view(m)), UnsupportedError, says({"plain"}));
}
