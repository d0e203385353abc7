// DeepFool: exact on linear nets, close to what a search finds on others.

#include <boost/test/unit_test.hpp>

#include "framework/attacks/climb.hpp"
#include "framework/attacks/deepfool.hpp"
#include "framework/core/errors.hpp"
#include "framework/parallel/parallel.hpp"
#include "tests/attacks/linear.hpp"
#include "tests/attacks/trained.hpp"
#include "tests/support/threads.hpp"

using namespace strata;
using namespace strata::testing;

namespace {

// The least distance within the range at which another class is as likely, by bisection: x + λ w, put into the range.
double distance_in_range(const Linear& net, const Matrix& w, Index b) {
  const Eigen::VectorXd x = net.x.col(b).cast<double>();
  const Index y = net.labels[static_cast<std::size_t>(b)];
  double nearest = std::numeric_limits<double>::infinity();
  for (Index k = 0; k < w.rows(); ++k) {
    if (k == y) continue;
    const Eigen::VectorXd apart = (w.row(k) - w.row(y)).cast<double>().transpose();
    const auto moved = [&](double by) -> Eigen::VectorXd { return (x + by * apart).cwiseMax(-1).cwiseMin(1); };
    double low = 0, high = 1e6;
    if (apart.dot(moved(high)) < 0) continue;
    for (int i = 0; i < 200; ++i) {
      const double middle = (low + high) / 2;
      (apart.dot(moved(middle)) < 0 ? low : high) = middle;
    }
    nearest = std::min(nearest, (moved(high) - x).norm());
  }
  return nearest;
}

}  // namespace

BOOST_AUTO_TEST_CASE(linear_nets_have_the_distance_in_closed_form) {
  const testing::EightThreads eight;
  Linear net(random(6, 40, "w"), random(40, 70, "x", 0.4));
  const MinimalPerturbation found = deepfool(net.oracle, net.batch());
  for (Index b = 0; b < 70; ++b) {
    const auto i = static_cast<std::size_t>(b);
    BOOST_TEST(found.found.fooled[i]);
    BOOST_TEST(std::abs(found.distance[i] - 1.02 * net.distance(b, false)) < 1e-3 * found.distance[i] + 1e-5);
    const double length = (found.found.x.col(b) - net.x.col(b)).cast<double>().norm();
    BOOST_TEST(std::abs(length - found.distance[i]) < 1e-6);
  }
  for (const int threads : {1, 2, 8}) {
    with_threads(threads, [&] {
      BOOST_TEST((bytes(deepfool(net.oracle, net.batch()).found.x) == bytes(found.found.x)), threads);
    });
  }
}

// Most pixels of an image are at the border of their range. The step goes along those that it leaves within.
BOOST_AUTO_TEST_CASE(at_the_border_of_the_range_the_distance_is_that_within_it) {
  for (const bool held : {false, true}) {
    Matrix w = random(6, 200, "w");
    Matrix corners = random(200, 60, "x").unaryExpr([](Scalar v) { return v > 0 ? Scalar(1) : Scalar(-1); });
    if (held) {  // few large weights, all of which the other class has on its side already
      w = 0.05 * random(2, 200, "w");
      w.row(0).tail(180).array() += Scalar(0.1);
      w.row(1).head(3).array() += Scalar(4);
      corners.setOnes();
    }
    Linear net(w, corners);
    const MinimalPerturbation found = deepfool(net.oracle, net.batch());
    for (Index b = 0; b < 60; ++b) {
      const double least = distance_in_range(net, w, b), got = found.distance[static_cast<std::size_t>(b)];
      BOOST_REQUIRE(std::isfinite(least));
      BOOST_TEST(got > 0.999 * least);
      BOOST_TEST(got < 1.03 * least);
    }
  }
}

BOOST_AUTO_TEST_CASE(what_is_wrong_already_is_at_no_distance_and_what_cannot_be_reached_at_infinity) {
  Linear net(random(3, 10, "w"), random(10, 8, "x", 0.4));
  net.labels[3] = (net.labels[3] + 1) % 3;
  const MinimalPerturbation found = deepfool(net.oracle, net.batch());
  BOOST_TEST(found.distance[3] == 0);
  BOOST_TEST(found.found.fooled[3]);
  BOOST_TEST((bytes(Matrix(found.found.x.col(3))) == bytes(Matrix(net.x.col(3)))));
  Linear flat(Matrix::Zero(3, 10), random(10, 4, "x", 0.4));  // every score alike: the lowest class, with no way out
  const MinimalPerturbation none = deepfool(flat.oracle, flat.batch());
  for (std::size_t b = 0; b < 4; ++b) {
    BOOST_TEST(std::isinf(none.distance[b]));
    BOOST_TEST(!none.found.fooled[b]);
  }
}

// In a curved net it is not exact; PGD cannot do much better.
BOOST_AUTO_TEST_CASE(of_a_trained_net_no_attack_gets_by_much_closer) {
  Trained net;
  const Batch batch = net.batch();
  const MinimalPerturbation found = deepfool(net.oracle, batch);
  int closer = 0, reached = 0, right = 0;
  for (Index b = 0; b < 100; ++b) {
    const auto i = static_cast<std::size_t>(b);
    BOOST_REQUIRE(found.found.fooled[i]);
    if (found.distance[i] == 0) continue;
    const SubBatch one(batch, {b});
    const Region half{Norm::l2, 0.5 * found.distance[i], -100, 100},
        whole{Norm::l2, 1.3 * found.distance[i], -100, 100};
    closer += climb(net.oracle, one.batch(), half, Climb::pgd(40), 1).fooled[0];
    reached += climb(net.oracle, one.batch(), whole, Climb::pgd(60, 3), 1).fooled[0];
    ++right;
  }
  BOOST_TEST(closer <= 3);
  BOOST_TEST(reached >= right - 5);
  BOOST_TEST(right > 20);
}

BOOST_AUTO_TEST_CASE(refusals) {
  Linear net(random(3, 6, "w"), random(6, 4, "x"));
  BOOST_CHECK_EXCEPTION(deepfool(net.oracle, net.batch(), {.steps = 0}), UsageError, says({"steps = 0"}));
  BOOST_CHECK_EXCEPTION(deepfool(net.oracle, net.batch(), {.overshoot = -1}), UsageError, says({"overshoot = -1"}));
  const Batch outside{view(net.x), view(net.one_hot), net.labels, net.ids, 0, 1};
  BOOST_CHECK_EXCEPTION(deepfool(net.oracle, outside), DataError, says({"0 to 1"}));
  Setting s({.features = 6, .classes = 3, .clusters = 2, .train = 60, .test = 10}, 10, {5});
  Bench settling(s.graph(), "squared_error", builtin("equilibrium_prop"));
  TrueOracle oracle(settling.model, *settling.rule);
  Matrix scores(3, 4);
  oracle.scores(net.batch(), mut_view(scores));
  net.labels = decisions(view(scores));
  BOOST_CHECK_EXCEPTION(deepfool(oracle, net.batch()), UnsupportedError, says({"no gradient", "by queries"}));
}
