// What a rule says about parameters becomes gradients: contributions add up, aliases follow, what is absent stays so.
#include <boost/test/unit_test.hpp>

#include "framework/core/errors.hpp"
#include "framework/learning/grad_sink.hpp"
#include "tests/support/says.hpp"

using namespace strata;
using strata::testing::says;

namespace {

/// 3 inputs, a dense layer of 2, tanh, a dense layer of 4; a batch of 5; signals for both layers.
struct Fixture {
  Registry registry{1};
  Net net;
  Activations acts;
  Matrix x{3, 5}, dy1{2, 5}, dy2{4, 5};
  NodeId h1, h2;
  ParamId w1, b1, w2, b2, mirror, same, odd;
  GradSink sink;

  Fixture()
      : net(Graph(mlp_graph({.input = {3}, .hidden = {2}, .outputs = 4, .skips = {}})), registry), acts(net.graph()),
        h1(net.graph().find("h1")), h2(net.graph().find("logits")), w1(registry.find("h1.weight")),
        b1(registry.find("h1.bias")), w2(registry.find("logits.weight")), b2(registry.find("logits.bias")),
        mirror(registry.add("mirror", "feedback", 2, 4, Initializer::zeros())),
        same(registry.add("same", "feedback", 4, 2, Initializer::zeros())),
        odd(registry.add("odd", "feedback", 3, 2, Initializer::zeros())) {
    Rng(1, "x").fill_normal(mut_view(x), 0, 1);
    Rng(1, "dy1").fill_normal(mut_view(dy1), 0, 1);
    Rng(1, "dy2").fill_normal(mut_view(dy2), 0, 1);
    net.forward({}, registry, view(x), acts);
  }

  std::vector<ParamId> all() const { return {w1, b1, w2, b2, mirror, same}; }
  Matrix a1() const { return acts[net.graph().find("a1")]; }
  Matrix got(ParamId id) const { return std::as_const(sink).gradient(id); }
  bool close(ParamId id, const Matrix& expected) const {
    return sink.has(id) && got(id).rows() == expected.rows() && got(id).cols() == expected.cols() &&
           (got(id) - expected).norm() <= Scalar(1e-5) * (1 + expected.norm());
  }
};

}  // namespace

BOOST_FIXTURE_TEST_CASE(a_signal_at_a_node_becomes_its_parameters_gradient, Fixture) {
  sink.add(net, h2, acts, view(dy2));
  sink.resolve(registry, all());
  BOOST_TEST(close(w2, dy2 * a1().transpose()));
  BOOST_TEST(close(b2, dy2.rowwise().sum()));
  for (const ParamId id : {w1, b1, mirror, same, odd}) BOOST_TEST(!sink.has(id));
}

BOOST_FIXTURE_TEST_CASE(contributions_add_up_with_their_scales, Fixture) {
  sink.add(net, h1, acts, view(dy1));
  sink.add(net, h2, acts, view(dy2), 2);
  sink.add(net, h2, acts, view(dy2), Scalar(-0.5));
  const Matrix g = Matrix::Constant(4, 2, 3);
  sink.add(w2, view(g), 4);
  sink.resolve(registry, all());
  BOOST_TEST(close(w1, dy1 * x.transpose()));
  BOOST_TEST(close(b1, dy1.rowwise().sum()));
  BOOST_TEST(close(w2, Scalar(1.5) * dy2 * a1().transpose() + Matrix::Constant(4, 2, 12)));
  BOOST_TEST(close(b2, Scalar(1.5) * dy2.rowwise().sum()));
}

BOOST_FIXTURE_TEST_CASE(a_gradient_given_directly_is_copied, Fixture) {
  Matrix g = Matrix::Constant(2, 4, 3);
  sink.add(mirror, view(g), 2);
  g.setZero();
  sink.resolve(registry, all());
  BOOST_TEST(close(mirror, Matrix::Constant(2, 4, 6)));
}

BOOST_FIXTURE_TEST_CASE(an_alias_gets_the_same_gradient_transposed_if_its_shape_says_so, Fixture) {
  sink.add(net, h2, acts, view(dy2));
  sink.alias(mirror, w2);
  sink.alias(same, w2);
  const Matrix more = Matrix::Ones(2, 4);
  sink.add(mirror, view(more));
  sink.resolve(registry, all());
  const Matrix g = got(w2);
  BOOST_TEST((got(same).array() == g.array()).all());
  BOOST_TEST(close(mirror, g.transpose() + more));
}

BOOST_FIXTURE_TEST_CASE(an_alias_works_when_its_source_is_not_stepped, Fixture) {
  sink.add(net, h2, acts, view(dy2));
  sink.alias(mirror, w2);
  sink.resolve(registry, {mirror});
  BOOST_TEST(close(mirror, (dy2 * a1().transpose()).transpose()));
  BOOST_TEST(!sink.has(b2));
}

BOOST_FIXTURE_TEST_CASE(an_alias_of_what_has_no_gradient_has_none, Fixture) {
  sink.add(net, h1, acts, view(dy1));
  sink.alias(mirror, w2);
  sink.resolve(registry, all());
  BOOST_TEST(!sink.has(mirror));
  BOOST_TEST(!sink.has(w2));
}

BOOST_FIXTURE_TEST_CASE(only_what_is_asked_for_is_computed, Fixture) {
  sink.add(net, h1, acts, view(dy1));
  sink.add(net, h2, acts, view(dy2));
  const Matrix g = Matrix::Ones(4, 2);
  sink.add(same, view(g));
  sink.alias(mirror, w2);
  sink.resolve(registry, {b2, w1});
  for (const ParamId id : {b1, w2, same, mirror}) BOOST_TEST(!sink.has(id));
  BOOST_TEST(close(w1, dy1 * x.transpose()));
  BOOST_TEST(close(b2, dy2.rowwise().sum()));
  // The same contributions, asked for others.
  sink.resolve(registry, {b1, same});
  BOOST_TEST(!sink.has(w1));
  BOOST_TEST(close(b1, dy1.rowwise().sum()));
  BOOST_TEST(close(same, g));
}

BOOST_FIXTURE_TEST_CASE(what_was_resolved_before_leaves_no_trace, Fixture) {
  sink.add(net, h2, acts, view(dy2));
  sink.add(net, h1, acts, view(dy1));
  sink.resolve(registry, all());
  const Matrix once = got(w2);
  sink.resolve(registry, all());
  BOOST_TEST((got(w2).array() == once.array()).all());
  sink.clear();
  BOOST_TEST(!sink.has(w2));
  sink.add(net, h2, acts, view(dy2));
  sink.resolve(registry, all());
  BOOST_TEST((got(w2).array() == once.array()).all());
  BOOST_TEST(!sink.has(w1));
}

BOOST_FIXTURE_TEST_CASE(a_signal_may_be_part_of_a_larger_buffer, Fixture) {
  Matrix big = Matrix::Constant(6, 5, 1e9F);
  big.topRows(4) = dy2;
  sink.add(net, h2, acts, View(big.data(), 4, 5, Eigen::OuterStride<>(6)));
  sink.resolve(registry, all());
  BOOST_TEST(close(w2, dy2 * a1().transpose()));
}

BOOST_FIXTURE_TEST_CASE(shapes_that_do_not_fit_are_named, Fixture) {
  const Matrix g = Matrix::Ones(2, 4);
  sink.add(w2, view(g));
  BOOST_CHECK_EXCEPTION(sink.resolve(registry, all()), ShapeError, says({"'logits.weight'", "2 × 4", "4 × 2"}));
  sink.clear();
  sink.add(net, h2, acts, view(dy2));
  sink.alias(odd, w2);
  BOOST_CHECK_EXCEPTION(sink.resolve(registry, {odd}), ShapeError,
                        says({"'odd'", "3 × 2", "'logits.weight'", "4 × 2"}));
}
