// Linear probes: what ridge regression gives by hand and by another way to solve it, and the two extremes.
#include <Eigen/QR>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "framework/analysis/linear_probe.hpp"
#include "framework/core/errors.hpp"
#include "framework/core/rng.hpp"

using namespace strata;

namespace {
using Labels = std::vector<std::int32_t>;

Matrix random(Index features, Index examples, const char* name) {
  Matrix m(features, examples);
  Rng(11, name).fill_normal(mut_view(m), 0, 1);
  return m;
}

Labels random_labels(Index examples, std::uint64_t classes, const char* name) {
  Labels labels;
  for (Index i = 0; i < examples; ++i) {
    labels.push_back(static_cast<std::int32_t>(Rng(11, name).below(classes, static_cast<std::uint64_t>(i))));
  }
  return labels;
}

Matrix row(std::initializer_list<double> values) {
  Matrix m(1, static_cast<Index>(values.size()));
  Index i = 0;
  for (const double v : values) m(0, i++) = static_cast<Scalar>(v);
  return m;
}

double accuracy(const Matrix& train, const Labels& train_labels, const Matrix& test, const Labels& test_labels,
                Index classes, double ridge = 1e-3) {
  return linear_probe_accuracy(view(train), train_labels, view(test), test_labels, classes, ridge);
}

/// The same predictor by another way: W minimises ‖XᵀW − Tᵀ‖² + n·ridge·c̄·‖W‖², a least-squares problem with √(n·ridge·c̄)
/// times the identity below Xᵀ, solved by QR.
double accuracy_by_qr(const Matrix& train, const Labels& train_labels, const Matrix& test, const Labels& test_labels,
                      Index classes, double ridge) {
  const Index n = train.cols(), features = train.rows();
  const Eigen::VectorXd mean = train.cast<double>().rowwise().mean();
  const Eigen::MatrixXd x = train.cast<double>().colwise() - mean;
  Eigen::MatrixXd t = Eigen::MatrixXd::Zero(classes, n);
  for (Index i = 0; i < n; ++i) t(train_labels[static_cast<std::size_t>(i)], i) = 1;
  const Eigen::VectorXd target_mean = t.rowwise().mean();
  const double penalty = ridge * x.squaredNorm() / static_cast<double>(features);  // n·ridge·c̄
  Eigen::MatrixXd left = Eigen::MatrixXd::Zero(n + features, features);
  Eigen::MatrixXd right = Eigen::MatrixXd::Zero(n + features, classes);
  left.topRows(n) = x.transpose();
  left.bottomRows(features).diagonal().setConstant(std::sqrt(penalty));
  right.topRows(n) = (t.colwise() - target_mean).transpose();
  const Eigen::MatrixXd w = Eigen::HouseholderQR<Eigen::MatrixXd>(left).solve(right);
  Index hits = 0;
  for (Index i = 0; i < test.cols(); ++i) {
    Index best = 0;
    (w.transpose() * (test.col(i).cast<double>() - mean) + target_mean).maxCoeff(&best);
    hits += best == test_labels[static_cast<std::size_t>(i)];
  }
  return static_cast<double>(hits) / static_cast<double>(test.cols());
}
}  // namespace

// x = 0, 0, 0, 4 of classes 0, 0, 0, 1: x̄ = 1, C = 3, covariance with the class ¾, so the two scores differ by
// ½ − (x − 1)·½/(1 + ridge), and class 1 begins at x = 2 + ridge.
BOOST_AUTO_TEST_CASE(ridge_by_hand) {
  const Labels labels{0, 0, 0, 1};
  for (const double scale : {1.0, 1000.0}) {
    const Matrix train = static_cast<Scalar>(scale) * row({0, 0, 0, 4});
    for (const double ridge : {1e-6, 0.5, 1.0, 3.0}) {
      const Matrix test = static_cast<Scalar>(scale) * row({2 + ridge - 0.01, 2 + ridge + 0.01});
      BOOST_TEST_CONTEXT("ridge " << ridge << " scale " << scale) {
        BOOST_TEST(accuracy(train, labels, test, {0, 1}, 2, ridge) == 1.0);
        BOOST_TEST(accuracy(train, labels, test, {1, 0}, 2, ridge) == 0.0);
        BOOST_TEST(accuracy(train, labels, test, {1, 1}, 2, ridge) == 0.5);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(against_another_solver) {
  // Three noisy classes, of which a direct look at one feature each tells a part.
  const Labels train_labels = random_labels(300, 3, "train"), test_labels = random_labels(200, 3, "test");
  Matrix train = random(6, 300, "x"), test = random(6, 200, "y");
  for (std::size_t i = 0; i < 300; ++i) train(train_labels[i], static_cast<Index>(i)) += 1.5;
  for (std::size_t i = 0; i < 200; ++i) test(test_labels[i], static_cast<Index>(i)) += 1.5;
  train.array() += 5;
  test.array() += 5;
  train.row(1) *= 4;
  test.row(1) *= 4;
  double last = -1;
  for (const double ridge : {1e-3, 3.0, 100.0}) {
    const double found = accuracy(train, train_labels, test, test_labels, 3, ridge);
    BOOST_TEST(found == accuracy_by_qr(train, train_labels, test, test_labels, 3, ridge));
    BOOST_TEST(found > 0.34);
    BOOST_TEST(found < 0.9);
    BOOST_TEST(found != last);  // the ridge matters here
    last = found;
  }
  // More features than examples.
  const Matrix wide = random(60, 20, "wide"), wide_test = random(60, 50, "wide test");
  const Labels some(train_labels.begin(), train_labels.begin() + 20);
  const Labels others(test_labels.begin(), test_labels.begin() + 50);
  BOOST_TEST(accuracy(wide, some, wide, some, 3) == 1.0);
  BOOST_TEST(accuracy(wide, some, wide_test, others, 3, 0.1) == accuracy_by_qr(wide, some, wide_test, others, 3, 0.1));
}

BOOST_AUTO_TEST_CASE(separable_is_1_and_noise_is_chance) {
  const Labels train_labels = random_labels(400, 4, "train"), test_labels = random_labels(2000, 4, "test");
  Matrix train = random(8, 400, "x"), test = random(8, 2000, "y");
  // Of features that say nothing, a quarter is right: 500, with a standard deviation of 19.
  const double chance = accuracy(train, train_labels, test, test_labels, 4);
  BOOST_TEST(std::abs(chance - 0.25) < 0.04);
  for (std::size_t i = 0; i < 400; ++i) train(train_labels[i], static_cast<Index>(i)) += 20;
  for (std::size_t i = 0; i < 2000; ++i) test(test_labels[i], static_cast<Index>(i)) += 20;
  BOOST_TEST(accuracy(train, train_labels, test, test_labels, 4) == 1.0);
  // A class that no example has, and features that do not vary, take nothing away.
  train.row(7).setConstant(Scalar(0.1));
  test.row(7).setConstant(Scalar(0.1));
  BOOST_TEST(accuracy(train, train_labels, test, test_labels, 9) == 1.0);
}

BOOST_AUTO_TEST_CASE(nothing_varies) {
  const Matrix train = Matrix::Constant(3, 5, Scalar(0.1)), test = random(3, 4, "x");
  BOOST_TEST(accuracy(train, {0, 2, 2, 1, 2}, test, {2, 2, 2, 0}, 3) == 0.75);  // all of the commonest class
  BOOST_TEST(accuracy(train, {2, 1, 2, 1, 0}, test, {1, 1, 2, 0}, 3) == 0.5);   // the lowest of several
  BOOST_TEST(accuracy(Matrix(0, 3), {1, 1, 0}, Matrix(0, 2), {1, 0}, 2) == 0.5);
  BOOST_TEST(accuracy(random(3, 1, "one"), {1}, test, {1, 1, 1, 0}, 2) == 0.75);
}

BOOST_AUTO_TEST_CASE(what_makes_no_sense) {
  const Matrix x = random(2, 3, "x");
  BOOST_TEST(std::isnan(accuracy(x, {0, 1, 0}, Matrix(2, 0), {}, 2)));
  for (const Scalar bad : {std::numeric_limits<Scalar>::quiet_NaN(), std::numeric_limits<Scalar>::infinity()}) {
    Matrix broken = x;
    broken(1, 1) = bad;
    BOOST_TEST(std::isnan(accuracy(broken, {0, 1, 0}, x, {0, 1, 0}, 2)));
    BOOST_TEST(std::isnan(accuracy(x, {0, 1, 0}, broken, {0, 1, 0}, 2)));
  }
  BOOST_CHECK_THROW(accuracy(x, {0, 1}, x, {0, 1, 0}, 2), ShapeError);
  BOOST_CHECK_THROW(accuracy(x, {0, 1, 0}, x, {0, 1}, 2), ShapeError);
  BOOST_CHECK_THROW(accuracy(x, {0, 1, 0}, random(3, 3, "y"), {0, 1, 0}, 2), ShapeError);
  BOOST_CHECK_THROW(accuracy(Matrix(2, 0), {}, x, {0, 1, 0}, 2), UsageError);
  BOOST_CHECK_THROW(accuracy(x, {0, 1, 2}, x, {0, 1, 0}, 2), UsageError);
  BOOST_CHECK_THROW(accuracy(x, {0, 1, 0}, x, {0, -1, 0}, 2), UsageError);
  BOOST_CHECK_THROW(accuracy(x, {0, 0, 0}, x, {0, 0, 0}, 0), UsageError);
  for (const double ridge :
       {0.0, -1.0, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
    BOOST_CHECK_THROW(accuracy(x, {0, 1, 0}, x, {0, 1, 0}, 2, ridge), UsageError);
  }
}
