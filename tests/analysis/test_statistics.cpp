// Means, deviations and Student intervals against tables and hand calculation.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "framework/analysis/statistics.hpp"
#include "framework/core/errors.hpp"

using namespace strata;

namespace {
constexpr double missing = std::numeric_limits<double>::quiet_NaN();
const auto tight = boost::test_tools::tolerance(1e-12);
using Values = std::vector<double>;
}  // namespace

BOOST_AUTO_TEST_CASE(student_t_quantiles) {
  // One degree: tan(π(p − ½)); two: (2p − 1)/√(2p(1 − p)). The others from tables to their last digit.
  BOOST_TEST(student_t_quantile(0.975, 1) == std::tan(std::numbers::pi * 0.475), tight);
  BOOST_TEST(student_t_quantile(0.975, 2) == 0.95 / std::sqrt(2 * 0.975 * 0.025), tight);
  BOOST_TEST(std::abs(student_t_quantile(0.975, 4) - 2.776445) < 5e-7);
  BOOST_TEST(std::abs(student_t_quantile(0.975, 9) - 2.262157) < 5e-7);
  BOOST_TEST(std::abs(student_t_quantile(0.995, 10) - 3.169273) < 5e-7);
  BOOST_TEST(std::abs(student_t_quantile(0.95, 30) - 1.697261) < 5e-7);
  BOOST_TEST(std::abs(student_t_quantile(0.975, 1e7) - 1.959964) < 1e-6);
  BOOST_TEST(student_t_quantile(0.5, 3) == 0.0);
  BOOST_TEST(student_t_quantile(0.1, 3) == -student_t_quantile(0.9, 3), tight);
  for (const double p : {0.0, 1.0, -1.0, 2.0, missing}) BOOST_CHECK_THROW(student_t_quantile(p, 3), UsageError);
  for (const double degrees : {0.0, -1.0, missing}) BOOST_CHECK_THROW(student_t_quantile(0.9, degrees), UsageError);
}

// In closed form for few degrees (Abramowitz & Stegun 26.7.3 and 26.7.4); the quantile is its inverse.
BOOST_AUTO_TEST_CASE(student_t_probabilities) {
  for (const double x : {-30.0, -2.5, -0.3, 0.0, 0.7, 4.0}) {
    const double square = x * x;
    BOOST_TEST(student_t_cdf(x, 1) == 0.5 + std::atan(x) / std::numbers::pi, tight);
    BOOST_TEST(student_t_cdf(x, 2) == 0.5 + x / (2 * std::sqrt(2 + square)), tight);
    const double root = std::sqrt(3.0);
    BOOST_TEST(student_t_cdf(x, 3) == 0.5 + (x / root / (1 + square / 3) + std::atan(x / root)) / std::numbers::pi,
               boost::test_tools::tolerance(1e-10));
    const double part = x / std::sqrt(1 + square / 4);
    BOOST_TEST(std::abs(student_t_cdf(x, 4) - (0.5 + 0.375 * part * (1 - square / (12 + 3 * square)))) < 1e-12);
    BOOST_TEST(std::abs(student_t_cdf(x, 1e9) - std::erfc(-x / std::numbers::sqrt2) / 2) < 1e-8);
    for (const double degrees : {0.5, 1.0, 9.0, 63.0, 4000.0}) {
      BOOST_TEST(student_t_cdf(x, degrees) + student_t_cdf(-x, degrees) == 1.0, tight);
    }
  }
  // Small tails keep their digits: with two degrees ½ − x/(2√(2 + x²)) = 1/(√(2 + x²)·(√(2 + x²) + x)).
  for (const double x : {1e2, 1e5, 1e8}) {
    const double root = std::sqrt(2 + x * x);
    BOOST_TEST(student_t_cdf(-x, 2) == 1 / (root * (root + x)), tight);
  }
  for (const double p : {1e-12, 0.004, 0.3, 0.5, 0.975}) {
    for (const double degrees : {1.0, 2.0, 7.0, 120.0}) {
      BOOST_TEST(student_t_cdf(student_t_quantile(p, degrees), degrees) == p, boost::test_tools::tolerance(1e-10));
    }
  }
  const double infinite = std::numeric_limits<double>::infinity();
  BOOST_TEST(student_t_cdf(infinite, 3) == 1.0);
  BOOST_TEST(student_t_cdf(-infinite, 3) == 0.0);
  BOOST_CHECK_THROW(student_t_cdf(missing, 3), UsageError);
  for (const double degrees : {0.0, -1.0, missing}) BOOST_CHECK_THROW(student_t_cdf(1, degrees), UsageError);
}

BOOST_AUTO_TEST_CASE(noncentral_t_tails) {
  for (const double x : {-2.0, 0.0, 0.4, 3.0}) {
    BOOST_TEST(noncentral_t_tail(x, 5, 0) == 1 - student_t_cdf(x, 5), boost::test_tools::tolerance(1e-10));
    // Many degrees: a normal about the noncentrality.
    BOOST_TEST(std::abs(noncentral_t_tail(x, 1e8, 1.5) - std::erfc((x - 1.5) / std::numbers::sqrt2) / 2) < 1e-6);
  }
  // P(T' > 0) = P(Z > −noncentrality), whatever the degrees.
  BOOST_TEST(noncentral_t_tail(0, 3, 2) == std::erfc(-2 / std::numbers::sqrt2) / 2,
             boost::test_tools::tolerance(1e-10));
  // Far off it is 1, at once; just before that, the series says so too.
  for (const double shift : {390.0, 401.0, 1e6, 1e300}) BOOST_TEST(noncentral_t_tail(2, 1, shift) == 1.0, tight);
  const double infinite = std::numeric_limits<double>::infinity();
  for (const double x : {missing, infinite}) BOOST_CHECK_THROW(noncentral_t_tail(x, 3, 1), UsageError);
  for (const double degrees : {0.0, missing}) BOOST_CHECK_THROW(noncentral_t_tail(1, degrees, 1), UsageError);
  for (const double shift : {-1.0, missing, infinite}) BOOST_CHECK_THROW(noncentral_t_tail(1, 3, shift), UsageError);
}

BOOST_AUTO_TEST_CASE(mean_and_deviation) {
  BOOST_TEST(without_nan(Values{missing, 2, missing, 1}) == (Values{2, 1}), boost::test_tools::per_element());
  BOOST_TEST(mean(Values{1, 2, 6}) == 3.0);
  BOOST_TEST(sample_sd(Values{1, 2, 6}) == std::sqrt(7.0), tight);
  BOOST_TEST(mean(Values{missing, 1, missing, 2, 6}) == 3.0);
  BOOST_TEST(sample_sd(Values{1, missing, 2, 6}) == std::sqrt(7.0), tight);
  BOOST_TEST(sample_sd(Values{4, 4, 4}) == 0.0);
  BOOST_TEST(std::isnan(mean(Values{})));
  BOOST_TEST(std::isnan(mean(Values{missing})));
  BOOST_TEST(std::isnan(sample_sd(Values{5, missing})));
  // Two passes: a large mean does not eat the spread.
  BOOST_TEST(sample_sd(Values{1e9 + 1, 1e9 + 2, 1e9 + 3}) == 1.0, tight);
}

BOOST_AUTO_TEST_CASE(intervals) {
  const Interval i = mean_interval(Values{1, 2, missing, 6});
  BOOST_TEST(i.n == 3);
  BOOST_TEST(i.mean == 3.0);
  const double half = 0.95 / std::sqrt(2 * 0.975 * 0.025) * std::sqrt(7.0 / 3);
  BOOST_TEST(i.low == 3 - half, tight);
  BOOST_TEST(i.high == 3 + half, tight);
  const Interval wide = mean_interval(Values{1, 2, 6}, 0.99);
  BOOST_TEST(wide.high == 3 + 0.99 / std::sqrt(2 * 0.995 * 0.005) * std::sqrt(7.0 / 3), tight);

  const Interval one = mean_interval(Values{missing, 5});
  BOOST_TEST(one.n == 1);
  BOOST_TEST(one.mean == 5.0);
  BOOST_TEST(std::isnan(one.low));
  BOOST_TEST(std::isnan(one.high));
  for (const Values& v : {Values{}, Values{missing, missing}}) {
    const Interval none = mean_interval(v);
    BOOST_TEST(none.n == 0);
    BOOST_TEST(std::isnan(none.mean));
    BOOST_TEST(std::isnan(none.low));
    BOOST_TEST(std::isnan(none.high));
  }
  for (const double confidence : {0.0, 1.0, 95.0, missing}) {
    BOOST_CHECK_THROW(mean_interval(Values{1, 2}, confidence), UsageError);
  }
}

BOOST_AUTO_TEST_CASE(paired) {
  // Seeds differ far more than the two do; pairs with a hole are left out on both sides.
  const Interval d = paired_difference(Values{11, 22, 36, missing, 7}, Values{10, 20, 30, 40, missing});
  BOOST_TEST(d.n == 3);
  BOOST_TEST(d.mean == 3.0);
  BOOST_TEST(d.low == mean_interval(Values{1, 2, 6}).low, tight);
  BOOST_TEST(d.high == mean_interval(Values{1, 2, 6}).high, tight);
  BOOST_TEST(paired_difference(Values{}, Values{}).n == 0);
  BOOST_CHECK_THROW(paired_difference(Values{1}, Values{1, 2}), ShapeError);
}
