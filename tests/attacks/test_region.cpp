// Balls and ranges: projections, directions and random starts.
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "framework/attacks/region.hpp"
#include "framework/core/rng.hpp"
#include "tests/support/learning.hpp"

using namespace strata;
using strata::testing::bytes;

namespace {

Matrix drawn(Index rows, Index cols, const char* name, Scalar low, Scalar high) {
  Matrix m(rows, cols);
  Rng(9, name).fill_uniform(mut_view(m), low, high);
  return m;
}

}  // namespace

BOOST_AUTO_TEST_CASE(projections_by_hand) {
  Matrix clean(2, 3), x(2, 3);
  clean << 0.5F, 0.9F, 0.1F,  //
      0.5F, 0.9F, 0.1F;
  x << 0.9F, 1.4F, 0.1F,  //
      0.45F, 0.9F, -2.0F;
  Matrix linf = x, l2 = x;
  Region{Norm::linf, 0.2, 0, 1}.project(view(clean), mut_view(linf));
  Matrix expected(2, 3);
  expected << 0.7F, 1.0F, 0.1F,  //
      0.45F, 0.9F, 0.0F;
  BOOST_TEST((linf - expected).norm() < 1e-6);
  Region{Norm::l2, 0.2, 0, 1}.project(view(clean), mut_view(l2));
  const auto length = static_cast<Scalar>(std::hypot(0.4, 0.05));
  expected << 0.5F + 0.2F * 0.4F / length, 1.0F, 0.1F,  //
      0.5F - 0.2F * 0.05F / length, 0.9F, 0.0F;
  BOOST_TEST((l2 - expected).norm() < 1e-6);
}

BOOST_AUTO_TEST_CASE(steps_by_hand) {
  Matrix x = Matrix::Zero(2, 4), g(2, 4);
  const Scalar nan = std::numeric_limits<Scalar>::quiet_NaN();
  g << 3, 0, nan, 1e-30F,  //
      -4, 0, 1, 0;
  Matrix linf = x, l2 = x, expected(2, 4);
  Region{Norm::linf, 1}.step(view(g), 0.5, mut_view(linf));
  expected << 0.5F, 0, 0, 0.5F,  //
      -0.5F, 0, 0.5F, 0;
  BOOST_TEST((linf - expected).norm() < 1e-6);
  Region{Norm::l2, 1}.step(view(g), 0.5, mut_view(l2));
  expected << 0.3F, 0, 0, 0.5F,  //
      -0.4F, 0, 0, 0;
  BOOST_TEST((l2 - expected).norm() < 1e-6);
}

BOOST_AUTO_TEST_CASE(starts_fill_the_ball_evenly) {
  constexpr Index examples = 4000;
  for (const Norm norm : {Norm::linf, Norm::l2}) {
    const Matrix clean = Matrix::Constant(3, examples, Scalar(0.5));
    Matrix x(3, examples);
    std::vector<Index> ids;
    for (Index i = 0; i < examples; ++i) ids.push_back(7 * i);
    const Region region{norm, 0.25, 0, 1};
    region.start(view(clean), ids, 1, "s", mut_view(x));
    int inner = 0;
    for (Index i = 0; i < examples; ++i) {
      const auto d = x.col(i) - clean.col(i);
      const double r = norm == Norm::linf ? d.lpNorm<Eigen::Infinity>() : d.norm();
      BOOST_REQUIRE(r <= 0.25 * (1 + 1e-6));
      inner += r < 0.25 * std::cbrt(0.5);
    }
    // Half of the volume, give or take four standard deviations.
    BOOST_TEST(std::abs(inner - examples / 2) < 4 * std::sqrt(examples / 4.0));
    BOOST_TEST((x - clean).rowwise().mean().norm() < 0.02);
    // An example's start is its own, wherever it stands.
    Matrix part(3, 2);
    const Matrix two = clean.leftCols(2);
    region.start(view(two), std::vector<Index>{7 * 11, 7 * 5}, 1, "s", mut_view(part));
    BOOST_TEST((bytes(Matrix(part.col(0))) == bytes(Matrix(x.col(11)))));
    BOOST_TEST((bytes(Matrix(part.col(1))) == bytes(Matrix(x.col(5)))));
  }
}

BOOST_AUTO_TEST_CASE(projected_points_stay_in_the_ball_as_floats) {
  const Matrix clean = drawn(784, 50, "clean", 0, 1), far = drawn(784, 50, "far", -1, 2);
  for (const double epsilon : {1e-6, 1e-3, 0.03, 1.0, 5.0}) {
    Matrix x = far;
    Region{Norm::l2, epsilon, 0, 1}.project(view(clean), mut_view(x));
    for (Index c = 0; c < 50; ++c) {
      BOOST_TEST((x - clean).col(c).cast<double>().norm() <= epsilon * (1 + 1e-6) + 28 * 6e-8);
    }
    Matrix again = x;
    Region{Norm::l2, epsilon, 0, 1}.project(view(clean), mut_view(again));
    BOOST_TEST((again - x).norm() <= 1e-5 * epsilon + 1e-5);
  }
}
