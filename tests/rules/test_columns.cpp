// Columns of a given norm, and their derivative against central differences. In double.
#include "rules/columns.hpp"

#include <boost/test/unit_test.hpp>

#include "framework/core/rng.hpp"

using namespace strata;
using namespace strata::rules;

namespace {

Matrix random(Index rows, Index cols, const char* name) {
  Matrix m(rows, cols);
  Rng(3, name).fill_normal(mut_view(m), Scalar(0.3), 1);
  return m;
}

Matrix normalised(const Matrix& x, bool centred, Scalar radius) {
  Matrix out(x.rows(), x.cols());
  normalise_columns(view(x), centred, radius, mut_view(out));
  return out;
}

}  // namespace

BOOST_AUTO_TEST_CASE(columns_get_their_norm) {
  const Matrix x = random(7, 5, "x");
  const Matrix plain = normalised(x, false, 1), centred = normalised(x, true, 3);
  for (Index b = 0; b < 5; ++b) {
    BOOST_TEST((plain.col(b) - x.col(b) / x.col(b).norm()).norm() < 1e-14);
    BOOST_TEST(centred.col(b).norm() == 3, boost::test_tools::tolerance(1e-14));
    BOOST_TEST(std::abs(centred.col(b).sum()) < 1e-13);
  }
}

BOOST_AUTO_TEST_CASE(the_derivative_is_that_of_the_function) {
  const Matrix x = random(7, 5, "x"), dout = random(7, 5, "dout"), v = random(7, 5, "v");
  for (const bool centred : {false, true}) {
    Matrix d = dout;
    pull_back_normalised(view(x), centred, 3, mut_view(d));
    constexpr Scalar h = 1e-6;
    const Matrix moved = (normalised(x + h * v, centred, 3) - normalised(x - h * v, centred, 3)) / (2 * h);
    BOOST_TEST(d.cwiseProduct(v).sum() == moved.cwiseProduct(dout).sum(), boost::test_tools::tolerance(1e-8));
  }
}

BOOST_AUTO_TEST_CASE(large_columns_keep_their_direction) {
  const Matrix x = random(7, 2, "x");
  const Matrix large = x * Scalar(1e200);  // its squares are beyond all numbers
  BOOST_TEST((normalised(large, true, 2) - normalised(x, true, 2)).norm() < 1e-13);
  Matrix d = random(7, 2, "d"), of_large = d;
  pull_back_normalised(view(x), true, 2, mut_view(d));
  pull_back_normalised(view(large), true, 2, mut_view(of_large));
  BOOST_TEST((of_large * Scalar(1e200) - d).norm() < 1e-12 * d.norm());
}

BOOST_AUTO_TEST_CASE(a_column_without_length_gives_zeros) {
  Matrix x = random(4, 2, "x");
  x.col(0).setZero();
  Matrix d = random(4, 2, "d");
  BOOST_TEST(normalised(x, false, 2).col(0).norm() == 0);
  pull_back_normalised(view(x), false, 2, mut_view(d));
  BOOST_TEST(d.col(0).norm() == 0);
  BOOST_TEST(d.allFinite());
}
