// CKA and the participation ratio against what they are defined by, and what they must not depend on.
#include <Eigen/QR>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "framework/analysis/similarity.hpp"
#include "framework/core/errors.hpp"
#include "framework/core/rng.hpp"

using namespace strata;

namespace {
constexpr double tight = sizeof(Scalar) == 4 ? 2e-5 : 1e-11;

Matrix random(Index features, Index examples, const std::string& name) {
  Matrix m(features, examples);
  Rng(11, name).fill_normal(mut_view(m), 0, 1);
  return m;
}

double cka(const Matrix& a, const Matrix& b) { return debiased_cka(view(a), view(b)); }

using Kernel = Eigen::MatrixXd;
Kernel kernel(const Matrix& a) { return a.cast<double>().transpose() * a.cast<double>(); }

/// The U-statistic that HSIC₁ is in closed form (Song et al. 2012, theorem 3): the mean over all ordered quadruples of
/// different examples (i, j, q, r) of K_ij (L_ij + L_qr − 2 L_iq).
double hsic_by_quadruples(const Kernel& k, const Kernel& l) {
  const Index n = k.rows();
  double sum = 0;
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j < n; ++j) {
      for (Index q = 0; q < n; ++q) {
        for (Index r = 0; r < n; ++r) {
          if (i == j || i == q || i == r || j == q || j == r || q == r) continue;
          sum += k(i, j) * (l(i, j) + l(q, r) - 2 * l(i, q));
        }
      }
    }
  }
  return sum / static_cast<double>(n * (n - 1) * (n - 2) * (n - 3));
}

/// Nguyen et al. 2020 (2010.15327), eq. 3, as printed.
double hsic_by_formula(Kernel k, Kernel l) {
  const auto n = static_cast<double>(k.rows());
  k.diagonal().setZero();
  l.diagonal().setZero();
  const Eigen::VectorXd one = Eigen::VectorXd::Ones(k.rows());
  const double trace = (k * l).trace(), sums = one.dot(k * one) * one.dot(l * one), mixed = one.dot(k * (l * one));
  return (trace + sums / ((n - 1) * (n - 2)) - 2 / (n - 2) * mixed) / (n * (n - 3));
}

template <class Hsic> double cka_of(Hsic hsic, const Matrix& a, const Matrix& b) {
  const Kernel k = kernel(a), l = kernel(b);
  return hsic(k, l) / std::sqrt(hsic(k, k) * hsic(l, l));
}

/// The usual, biased one, which is of centred kernels.
double biased_cka(const Matrix& a, const Matrix& b) {
  const Matrix x = a.colwise() - Vector(a.rowwise().mean()), y = b.colwise() - Vector(b.rowwise().mean());
  const Kernel k = kernel(x), l = kernel(y);
  return (k * l).trace() / (k.norm() * l.norm());
}

Matrix rotation(Index n, const char* name) { return Eigen::HouseholderQR<Matrix>(random(n, n, name)).householderQ(); }

Matrix diagonal(std::initializer_list<Scalar> values, const Matrix& m) {
  Matrix out = m;
  Index row = 0;
  for (const Scalar v : values) out.row(row++) *= v;
  return out;
}
}  // namespace

BOOST_AUTO_TEST_CASE(against_its_definition) {
  for (const Index examples : {4, 5, 9}) {
    const Matrix a = random(3, examples, "a"), noise = random(6, examples, "b");
    Matrix b = noise;
    b.topRows(3) += 2 * a;
    for (const Matrix& other : {b, noise}) {
      const double found = cka(a, other);
      BOOST_TEST(std::abs(found - cka_of(hsic_by_quadruples, a, other)) < tight);
      BOOST_TEST(std::abs(found - cka_of(hsic_by_formula, a, other)) < tight);
      BOOST_TEST(std::abs(found - cka(other, a)) < 1e-15);
      BOOST_TEST(std::abs(found - biased_cka(a, other)) > 0.01);
    }
  }
}

BOOST_AUTO_TEST_CASE(the_same_information_is_1) {
  const Matrix a = random(7, 40, "a");
  BOOST_TEST(std::abs(cka(a, a) - 1) < 1e-12);
  BOOST_TEST(std::abs(cka(a, rotation(7, "q") * a) - 1) < tight);
  BOOST_TEST(std::abs(cka(a, Scalar(0.01) * a) - 1) < tight);
  BOOST_TEST(std::abs(cka(a, -a) - 1) < 1e-12);
  BOOST_TEST(std::abs(cka(a, a.colwise() + Vector::LinSpaced(7, -3, 3)) - 1) < tight);
  Matrix twice(14, 40);
  twice << a, a;
  BOOST_TEST(std::abs(cka(a, twice) - 1) < tight);
  // One feature louder than the others is another representation; so is another order of the examples.
  BOOST_TEST(cka(a, diagonal({5, 1, 1, 1, 1, 1, 1}, a)) < 0.9);
  BOOST_TEST(cka(a, a.rowwise().reverse()) < 0.3);
}

// More features than examples: the plain CKA is near 1 for unrelated ones, this one 0 in the mean.
BOOST_AUTO_TEST_CASE(unrelated_is_0_in_the_mean) {
  double sum = 0, squares = 0;
  constexpr int trials = 60;
  for (int t = 0; t < trials; ++t) {
    const Matrix a = random(120, 30, cat("a", t)), b = random(90, 30, cat("b", t));
    if (t == 0) BOOST_TEST(biased_cka(a, b) > 0.7);
    const double found = cka(a, b);
    sum += found;
    squares += found * found;
  }
  const double mean = sum / trials, sd = std::sqrt(squares / trials - mean * mean);
  BOOST_TEST(sd < 0.1);
  BOOST_TEST(std::abs(mean) < 4 * sd / std::sqrt(double{trials}));
}

BOOST_AUTO_TEST_CASE(matrices_of_layers) {
  const std::vector<Matrix> m{random(3, 20, "0"), random(5, 20, "1"), random(40, 20, "2")};
  const std::vector<View> layers{view(m[0]), view(m[1]), view(m[2])}, first{view(m[0]), view(m[1])};
  const Eigen::MatrixXd all = debiased_cka(layers);
  BOOST_REQUIRE((all.rows() == 3 && all.cols() == 3));
  for (Index i = 0; i < 3; ++i) {
    BOOST_TEST(all(i, i) == 1.0);
    for (Index j = 0; j < 3; ++j) {
      if (i != j) BOOST_TEST(all(i, j) == cka(m[static_cast<std::size_t>(i)], m[static_cast<std::size_t>(j)]));
    }
  }
  const Eigen::MatrixXd between = debiased_cka(layers, first);
  BOOST_REQUIRE((between.rows() == 3 && between.cols() == 2));
  BOOST_TEST(std::abs(between(0, 0) - 1) < 1e-12);
  BOOST_TEST(between(2, 1) == all(2, 1));
  BOOST_TEST(between(0, 1) == all(0, 1));
  BOOST_TEST(debiased_cka(std::vector<View>{}).size() == 0);
  BOOST_TEST(debiased_cka(std::vector<View>{}, layers).cols() == 3);
  BOOST_TEST(debiased_cka(layers, std::vector<View>{}).rows() == 3);
}

BOOST_AUTO_TEST_CASE(where_it_is_not_defined) {
  const Matrix a = random(3, 6, "a");
  const Matrix constant = Matrix::Constant(4, 6, Scalar(0.1)), one_hot = Matrix::Identity(6, 6);
  Matrix all_but_one = constant;
  all_but_one.col(2).setConstant(7);
  Matrix with_nan = a;
  with_nan(1, 1) = std::numeric_limits<Scalar>::quiet_NaN();
  Matrix with_infinity = a;
  with_infinity(1, 1) = std::numeric_limits<Scalar>::infinity();
  for (const Matrix& m : {constant, one_hot, all_but_one, with_nan, with_infinity}) {
    BOOST_TEST(std::isnan(cka(a, m)));
    BOOST_TEST(std::isnan(cka(m, a)));
    const Eigen::MatrixXd both = debiased_cka({view(a), view(m)});
    BOOST_TEST(both(0, 0) == 1.0);
    for (const double x : {both(0, 1), both(1, 0), both(1, 1)}) BOOST_TEST(std::isnan(x));
  }
  BOOST_CHECK_THROW(cka(a, random(3, 7, "b")), ShapeError);
  BOOST_CHECK_THROW(cka(random(3, 3, "a"), random(3, 3, "b")), UsageError);
  const Matrix other = random(3, 7, "b");
  BOOST_CHECK_THROW(debiased_cka({view(a), view(other)}), ShapeError);
  BOOST_CHECK_THROW(debiased_cka({view(a)}, {view(other)}), ShapeError);
}

// Features ±1, ±2 along two axes, examples (±1, ±2): covariance diag(1, 4), hence (1 + 4)²/(1 + 16).
BOOST_AUTO_TEST_CASE(participation_ratio_by_hand) {
  Matrix m(2, 4);
  m << 1, 1, -1, -1, 2, -2, 2, -2;
  const auto pr = [](const Matrix& x) { return participation_ratio(view(x)); };
  BOOST_TEST(std::abs(pr(m) - 25.0 / 17) < 1e-12);
  BOOST_TEST(std::abs(pr(m.colwise() + Vector::LinSpaced(2, 3, 50)) - 25.0 / 17) < 1e-12);
  BOOST_TEST(std::abs(pr(Scalar(1000) * m) - 25.0 / 17) < 1e-12);
  BOOST_TEST(std::abs(pr(rotation(2, "q") * m) - 25.0 / 17) < tight);
  Matrix line(3, 5);
  for (Index c = 0; c < 5; ++c) line.col(c) = Vector::LinSpaced(3, 1, 3) * Scalar(c);
  BOOST_TEST(std::abs(pr(line) - 1) < 1e-12);
  // ± a unit vector along each of 6 axes: all alike. More features than examples: the same numbers, lifted.
  Matrix axes(6, 12);
  axes << Matrix::Identity(6, 6), -Matrix::Identity(6, 6);
  BOOST_TEST(std::abs(pr(axes) - 6) < 1e-12);
  Matrix lifted = Matrix::Zero(40, 4);
  lifted.topRows(2) = m;
  BOOST_TEST(std::abs(pr(rotation(40, "q") * lifted) - 25.0 / 17) < tight);
  // n examples in general position fill no more than n − 1 dimensions; one-hot ones all of them.
  BOOST_TEST(std::abs(pr(Matrix::Identity(6, 6)) - 5) < 1e-12);
}

BOOST_AUTO_TEST_CASE(participation_ratio_where_nothing_varies) {
  for (const Matrix& m :
       {Matrix(Matrix::Constant(3, 5, Scalar(0.1))), random(3, 1, "one"), Matrix(3, 0), Matrix(0, 5)}) {
    BOOST_TEST(std::isnan(participation_ratio(view(m))));
  }
  Matrix with_nan = random(3, 5, "a");
  with_nan(0, 0) = std::numeric_limits<Scalar>::quiet_NaN();
  BOOST_TEST(std::isnan(participation_ratio(view(with_nan))));
}
