// Rules without a way back: what forward_forward shows its layers, and how far node perturbation's noise leads. In double.
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "tests/support/builtin_rule.hpp"
#include "tests/support/learning.hpp"

using namespace strata;
using namespace strata::testing;

namespace {

Setting small() { return {{.features = 11, .classes = 4, .clusters = 2, .train = 120, .test = 10}, 20, {9, 13, 7}}; }

}  // namespace

BOOST_AUTO_TEST_CASE(forward_forward_negatives_never_carry_the_right_label) {
  const Setting s = small();
  Bench bench(s.graph(), s.loss, builtin("forward_forward"));
  BatchBuffer buffer(s.data, 40);
  const Batch batch = buffer.gather(s.data.train, std::span(s.split.train).first(40));
  const auto label = [](const auto& x) {
    Index at = 0;
    BOOST_TEST(x.head(4).maxCoeff(&at) == 1);
    BOOST_TEST(x.head(4).sum() == 1);
    return static_cast<std::int32_t>(at);
  };
  Matrix seen = Matrix::Zero(4, 4);
  for (std::uint64_t step = 0; step < 60; ++step) {
    bench.compute(batch, {Mode::train, true, 1, step});
    const View x = bench.ws.acts(1)[Graph::input()];
    BOOST_REQUIRE(x.cols() == 80);
    for (Index b = 0; b < 40; ++b) {
      const std::int32_t right = batch.labels[static_cast<std::size_t>(b)];
      BOOST_TEST(label(x.col(b)) == right);
      BOOST_TEST(label(x.col(40 + b)) != right);
      BOOST_TEST((x.col(b).tail(7) == batch.x.col(b).tail(7)));
      BOOST_TEST((x.col(40 + b).tail(7) == batch.x.col(b).tail(7)));
      seen(right, label(x.col(40 + b))) += 1;
    }
  }
  for (Index right = 0; right < 4; ++right) {
    for (Index wrong = 0; wrong < 4; ++wrong) {
      const double share = seen(right, wrong) / seen.row(right).sum();
      if (wrong != right) BOOST_TEST(std::abs(share - 1.0 / 3) < 0.08);
    }
  }
}

// Nothing of how active a layer is reaches the next one.
BOOST_AUTO_TEST_CASE(forward_forward_hides_goodness_from_the_next_layer) {
  const Setting s = small();
  Bench bench(s.graph(), s.loss, builtin("forward_forward"));
  BatchBuffer buffer(s.data, 10);
  const Batch batch = buffer.gather(s.data.train, std::span(s.split.train).first(10));
  bench.compute(batch);
  for (const NodeId point : bench.net.graph().credit_points()) {
    const View a = bench.ws.acts(1)[point], shown = bench.ws.acts(1).for_readers(point);
    for (Index b = 0; b < a.cols(); ++b) {
      BOOST_TEST(shown.col(b).squaredNorm() == static_cast<Scalar>(a.rows()), boost::test_tools::tolerance(1e-12));
      BOOST_TEST((shown.col(b).normalized() - a.col(b).normalized()).norm() < 1e-12);
    }
  }
}

BOOST_AUTO_TEST_CASE(forward_forward_says_what_it_cannot_do) {
  Setting s = small();
  s.net.hidden = {};
  BOOST_CHECK_EXCEPTION(s.trainer(builtin("forward_forward")), UnsupportedError, says({"hidden"}));
  Setting narrow({.features = 4, .classes = 4, .clusters = 2, .train = 60, .test = 10}, 20, {5});
  BOOST_CHECK_EXCEPTION(narrow.trainer(builtin("forward_forward")), UnsupportedError, says({"4 features", "has 4"}));
}

// The update of M draws is the gradient plus noise in every other direction: a cosine of 1/√(1 + N/M) for N units. One
// example at a time, by the gradients of the biases, which are the signals themselves.
BOOST_AUTO_TEST_CASE(node_perturbation_points_as_far_to_the_gradient_as_its_draws_allow) {
  const Setting s = small();
  const double units = 9 + 13 + 7 + 4;
  BatchBuffer buffer(s.data, 1);
  Bench backprop(s.graph(), s.loss, builtin("backprop"));
  for (const int draws : {1, 10, 100, 1000}) {
    Bench perturb(s.graph(), s.loss, builtin("node_perturbation"),
                  {{"sigma", "1e-5"}, {"draws", std::to_string(draws)}});
    double squares = 0;
    constexpr int examples = 100;
    for (int i = 0; i < examples; ++i) {
      const std::vector<Index> id = {s.split.train[static_cast<std::size_t>(i)]};
      const Batch one = buffer.gather(s.data.train, id);
      const Ctx ctx{Mode::train, true, 1, static_cast<std::uint64_t>(i)};
      backprop.compute(one, ctx);
      perturb.compute(one, ctx);
      double dot = 0, exact = 0, found = 0;
      for (const char* bias : {"h1.bias", "h2.bias", "h3.bias", "logits.bias"}) {
        dot += backprop.gradient(bias).cwiseProduct(perturb.gradient(bias)).sum();
        exact += backprop.gradient(bias).squaredNorm();
        found += perturb.gradient(bias).squaredNorm();
      }
      squares += dot * dot / (exact * found) / examples;
    }
    const double expected = 1 / std::sqrt(1 + units / draws);
    BOOST_TEST_MESSAGE(draws << " draws: cosine " << std::sqrt(squares) << ", expected " << expected);
    BOOST_TEST(std::sqrt(squares) == expected, boost::test_tools::tolerance(draws == 1 ? 0.25 : 0.05));
  }
}
