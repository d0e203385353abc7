// The losses: values by hand, gradients against central differences, and no overflow at extreme logits. In double.

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>

#include "framework/core/errors.hpp"
#include "framework/core/rng.hpp"
#include "framework/losses/loss.hpp"
#include "framework/parallel/parallel.hpp"
#include "tests/support/says.hpp"
#include "tests/support/threads.hpp"

using namespace strata;
using strata::testing::says;

namespace {

constexpr Scalar not_a_number = std::numeric_limits<Scalar>::quiet_NaN();
const auto tight = boost::test_tools::tolerance(1e-15);

Matrix random(Index rows, Index cols, double sd) {
  Matrix m(rows, cols);
  Rng(1, "test_losses").fill_normal(mut_view(m), 0, sd);
  return m;
}

Matrix one_hot(Index classes, Index batch) {
  Matrix t = Matrix::Zero(classes, batch);
  for (Index b = 0; b < batch; ++b) t((3 * b + 1) % classes, b) = 1;
  return t;
}

Batch batch_of(const Matrix& x, const Matrix& t) { return {.x = view(x), .one_hot = view(t), .labels = {}, .ids = {}}; }

double value(const std::string& loss, const Matrix& out, const Matrix& t) {
  return make_loss(loss)->value(view(out), batch_of(out, t));
}

Matrix gradient(const std::string& loss, const Matrix& out, const Matrix& t) {
  Matrix d = Matrix::Constant(out.rows(), out.cols(), not_a_number);
  make_loss(loss)->gradient(view(out), batch_of(out, t), mut_view(d));
  return d;
}

}  // namespace

BOOST_AUTO_TEST_CASE(values_and_gradients_by_hand) {
  const Matrix out{{0, 1}, {std::log(3.0), 3}};
  const Matrix t{{1, 0}, {0, 1}};
  BOOST_TEST(value("cross_entropy", out, t) == (std::log(4.0) + std::log1p(std::exp(-2.0))) / 2, tight);
  BOOST_TEST(value("squared_error", out, t) == (1 + std::log(3.0) * std::log(3.0) + 1 + 4) / 4, tight);
  // σ(0) = ½, σ(log 3) = ¾, and the second example's own.
  const double second = std::log1p(std::exp(1.0)) + std::log1p(std::exp(-3.0));
  BOOST_TEST(value("binary_cross_entropy", out, t) == (std::log(2.0) + std::log(4.0) + second) / 2, tight);
  const Matrix ce = gradient("cross_entropy", out, t);
  BOOST_TEST(ce(0, 0) == (0.25 - 1) / 2, tight);
  BOOST_TEST(ce(1, 0) == 0.75 / 2, tight);
  const Matrix se = gradient("squared_error", out, t);
  BOOST_TEST(se(0, 0) == -0.5);
  BOOST_TEST(se(1, 1) == 1.0);
  const Matrix bce = gradient("binary_cross_entropy", out, t);
  BOOST_TEST(bce(0, 0) == -0.25, tight);
  BOOST_TEST(bce(1, 0) == 0.375, tight);
}

BOOST_AUTO_TEST_CASE(gradients_match_central_differences) {
  for (const std::string& name : loss_names()) {
    const Matrix out = random(7, 5, 2);
    const Matrix t = one_hot(7, 5);
    const Matrix d = gradient(name, out, t);
    Matrix numeric(7, 5);
    constexpr double h = 1e-5;
    for (Index i = 0; i < out.size(); ++i) {
      Matrix up = out, down = out;
      up.data()[i] += h;
      down.data()[i] -= h;
      numeric.data()[i] = (value(name, up, t) - value(name, down, t)) / (2 * h);
    }
    BOOST_TEST_CONTEXT(name) { BOOST_TEST((d - numeric).norm() / numeric.norm() < 1e-6); }
  }
}

BOOST_AUTO_TEST_CASE(extreme_logits_stay_finite) {
  const Matrix out{{1e4, -1e4, 1e4}, {-1e4, -1e4, 1e4}};
  const Matrix t{{0, 1, 1}, {1, 0, 0}};
  BOOST_TEST(value("cross_entropy", out, t) == (2e4 + 2 * std::log(2.0)) / 3, tight);
  BOOST_TEST(value("binary_cross_entropy", out, t) == (2e4 + 1e4 + 1e4) / 3, tight);
  for (const std::string& name : loss_names()) {
    BOOST_TEST_CONTEXT(name) {
      BOOST_TEST(std::isfinite(value(name, out, t)));
      BOOST_TEST(gradient(name, out, t).allFinite());
    }
  }
  // A right answer beyond doubt costs nothing and pulls nowhere.
  const Matrix sure{{1e4}, {-1e4}};
  const Matrix right{{1}, {0}};
  for (const std::string name : {"cross_entropy", "binary_cross_entropy"}) {
    BOOST_TEST(value(name, sure, right) == 0);
    BOOST_TEST(gradient(name, sure, right).norm() == 0);
  }
}

BOOST_AUTO_TEST_CASE(nan_is_passed_on) {
  for (const std::string& name : loss_names()) {
    for (const Index row : {0, 1}) {
      Matrix out = random(3, 2, 1);
      out(row, 1) = not_a_number;
      BOOST_TEST_CONTEXT(name) {
        BOOST_TEST(std::isnan(value(name, out, one_hot(3, 2))));
        BOOST_TEST(std::isnan(gradient(name, out, one_hot(3, 2))(row, 1)));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(the_number_of_threads_does_not_show) {
  const testing::EightThreads eight;
  const Matrix out = random(10, 5000, 3);
  const Matrix t = one_hot(10, 5000);
  for (const std::string& name : loss_names()) {
    const double v = value(name, out, t);
    const Matrix d = gradient(name, out, t);
    for (const int threads : {2, 3, 8}) {
      with_threads(threads, [&] {
        BOOST_TEST(value(name, out, t) == v);
        BOOST_TEST((gradient(name, out, t).array() == d.array()).all());
      });
    }
  }
}

BOOST_AUTO_TEST_CASE(part_of_a_larger_buffer) {
  const Matrix big = random(6, 4, 1);
  const View out(big.data(), 3, 2, Eigen::OuterStride<>(12));
  const Matrix copy = out;
  const Matrix t = one_hot(3, 2);
  for (const std::string& name : loss_names()) {
    Matrix d = Matrix::Zero(6, 4);
    make_loss(name)->gradient(out, batch_of(copy, t), MutView(d.data(), 3, 2, Eigen::OuterStride<>(12)));
    const auto written = d(Eigen::seqN(0, 3), Eigen::seqN(0, 2, Eigen::fix<2>));
    BOOST_TEST((written.array() == gradient(name, copy, t).array()).all());
    BOOST_TEST(d.rightCols(1).norm() == 0);
    BOOST_TEST(make_loss(name)->value(out, batch_of(copy, t)) == value(name, copy, t));
  }
}

BOOST_AUTO_TEST_CASE(names_and_shapes) {
  for (const std::string& name : loss_names()) {
    BOOST_TEST(make_loss(name)->name() == name);
    BOOST_CHECK_THROW(value(name, Matrix::Zero(3, 2), one_hot(3, 3)), ShapeError);
    BOOST_CHECK_THROW(gradient(name, Matrix::Zero(2, 3), one_hot(3, 3)), ShapeError);
    BOOST_CHECK_THROW(value(name, Matrix(3, 0), Matrix(3, 0)), ShapeError);
    Matrix d(2, 2);
    const Matrix out = Matrix::Zero(3, 2), t = one_hot(3, 2);
    BOOST_CHECK_THROW(make_loss(name)->gradient(view(out), batch_of(out, t), mut_view(d)), ShapeError);
  }
  BOOST_CHECK_EXCEPTION(make_loss("cross_entropie"), UsageError, says({"did you mean 'cross_entropy'"}));
}
