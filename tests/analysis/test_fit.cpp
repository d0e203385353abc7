// Lines and decays through points: exact ones are recovered, and the interval is that of a calculation by hand.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "framework/analysis/fit.hpp"
#include "framework/core/errors.hpp"

using namespace strata;

namespace {
constexpr double missing = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();
const auto tight = boost::test_tools::tolerance(1e-12);
using Values = std::vector<double>;

// Student's 97.5 % quantiles in closed form: tan(π(p − ½)) for one degree, (2p − 1)/√(2p(1 − p)) for two.
const double t1 = std::tan(std::numbers::pi * 0.475);
const double t2 = 0.95 / std::sqrt(2 * 0.975 * 0.025);

void all_nan_but_n(const LineFit& f, int n) {
  for (const double x : {f.intercept, f.slope, f.slope_low, f.slope_high, f.r2}) BOOST_TEST(std::isnan(x));
  BOOST_TEST(f.n == n);
}

void all_nan_but_n(const Decay& d, int n) {
  for (const double x : {d.rate, d.low, d.high, d.r2}) BOOST_TEST(std::isnan(x));
  BOOST_TEST(d.n == n);
}

/// f at each x.
template <class F> Values map(const Values& x, F f) {
  Values y;
  for (const double v : x) y.push_back(f(v));
  return y;
}
}  // namespace

// x̄ = 7/4, ȳ = 3; Σ(x − x̄)² = 35/4, Σ(x − x̄)(y − ȳ) = 10, Σ(y − ȳ)² = 14: slope 8/7, intercept 3 − 2 = 1,
// residual 14 − 100/(35/4) = 18/7, hence r² = 1 − 9/49 and the slope's variance (18/7)/2/(35/4) = 36/245.
BOOST_AUTO_TEST_CASE(a_line_by_hand) {
  const Values x{0, 1, 2, 4}, y{1, 3, 2, 6};
  const LineFit f = fit_line(x, y);
  BOOST_TEST(f.n == 4);
  BOOST_TEST(f.slope == 8.0 / 7, tight);
  BOOST_TEST(f.intercept == 1.0, tight);
  BOOST_TEST(f.r2 == 40.0 / 49, tight);
  BOOST_TEST(f.slope_low == 8.0 / 7 - t2 * std::sqrt(36.0 / 245), tight);
  BOOST_TEST(f.slope_high == 8.0 / 7 + t2 * std::sqrt(36.0 / 245), tight);
  const LineFit wide = fit_line(x, y, 0.99);
  BOOST_TEST(wide.slope_high == 8.0 / 7 + 0.99 / std::sqrt(2 * 0.995 * 0.005) * std::sqrt(36.0 / 245), tight);
  // Far from zero too: what counts is the differences.
  const LineFit far = fit_line(map(x, [](double v) { return v + 1e8; }), map(y, [](double v) { return v - 1e8; }));
  BOOST_TEST(far.slope == 8.0 / 7, tight);
  BOOST_TEST(far.r2 == 40.0 / 49, tight);
  BOOST_TEST(far.slope_low == f.slope_low, boost::test_tools::tolerance(1e-9));
}

// Through (0, 0), (1, 1), (2, 0): slope 0, residual 2/3, variance (2/3)/1/2 = 1/3.
BOOST_AUTO_TEST_CASE(three_points_have_one_degree_of_freedom) {
  const LineFit f = fit_line(Values{0, 1, 2}, Values{0, 1, 0});
  BOOST_TEST(f.slope == 0.0);
  BOOST_TEST(f.intercept == 1.0 / 3, tight);
  BOOST_TEST(f.r2 == 0.0);
  BOOST_TEST(f.slope_high == t1 * std::sqrt(1.0 / 3), tight);
  BOOST_TEST(f.slope_low == -t1 * std::sqrt(1.0 / 3), tight);
}

BOOST_AUTO_TEST_CASE(too_little_for_a_line) {
  all_nan_but_n(fit_line(Values{}, Values{}), 0);
  all_nan_but_n(fit_line(Values{1}, Values{2}), 1);
  all_nan_but_n(fit_line(Values{0.1, 0.1, 0.1}, Values{1, 2, 4}), 3);  // 3 · 0.1 / 3 is not 0.1
  const LineFit two = fit_line(Values{1, 3}, Values{5, 1});
  BOOST_TEST(two.slope == -2.0);
  BOOST_TEST(two.intercept == 7.0);
  BOOST_TEST(two.r2 == 1.0);
  BOOST_TEST(std::isnan(two.slope_low));
  BOOST_TEST(std::isnan(two.slope_high));
  const LineFit flat = fit_line(Values{1, 2, 3}, Values{0.1, 0.1, 0.1});
  BOOST_TEST(flat.slope == 0.0);
  BOOST_TEST(flat.intercept == 0.1);
  BOOST_TEST(std::isnan(flat.r2));
  BOOST_TEST(flat.slope_low == 0.0);
  BOOST_TEST(flat.slope_high == 0.0);
}

BOOST_AUTO_TEST_CASE(pairs_with_a_hole_are_skipped) {
  const LineFit f = fit_line(Values{missing, 0, 7, 1, 2, infinity, 4, 5}, Values{1, 1, missing, 3, 2, 0, 6, -infinity});
  BOOST_TEST(f.n == 4);
  BOOST_TEST(f.slope == 8.0 / 7, tight);
  BOOST_TEST(f.r2 == 40.0 / 49, tight);
}

BOOST_AUTO_TEST_CASE(exact_decays_are_recovered) {
  const Values d{1, 2, 3, 4, 5};
  const Decay e = exponential_decay(d, map(d, [](double x) { return 3 * std::exp(-0.7 * x); }));
  BOOST_TEST(e.n == 5);
  BOOST_TEST(e.rate == 0.7, tight);
  BOOST_TEST(e.low == 0.7, boost::test_tools::tolerance(1e-6));
  BOOST_TEST(e.high == 0.7, boost::test_tools::tolerance(1e-6));
  BOOST_TEST(e.r2 == 1.0, tight);
  const Decay growth = exponential_decay(d, map(d, [](double x) { return std::exp(0.2 * x); }));
  BOOST_TEST(growth.rate == -0.2, tight);
  const Decay p = power_decay(d, map(d, [](double x) { return 2 * std::pow(x, -1.5); }));
  BOOST_TEST(p.n == 5);
  BOOST_TEST(p.rate == 1.5, tight);
  BOOST_TEST(p.r2 == 1.0, tight);
  // Neither is the other.
  BOOST_TEST(power_decay(d, map(d, [](double x) { return std::exp(-x); })).r2 < 0.99);
  BOOST_TEST(exponential_decay(d, map(d, [](double x) { return 1 / x; })).r2 < 0.99);
}

// The logarithms are −1, −3, −2, −6 at 0, 1, 2, 4: the line above, upside down, and the rate is minus its slope.
BOOST_AUTO_TEST_CASE(the_interval_of_a_rate) {
  const Values value{std::exp(-1), std::exp(-3), std::exp(-2), std::exp(-6)};
  const double half = t2 * std::sqrt(36.0 / 245);
  const Decay e = exponential_decay(Values{0, 1, 2, 4}, value);
  BOOST_TEST(e.rate == 8.0 / 7, tight);
  BOOST_TEST(e.low == 8.0 / 7 - half, tight);
  BOOST_TEST(e.high == 8.0 / 7 + half, tight);
  BOOST_TEST(e.r2 == 40.0 / 49, tight);
  const Decay p = power_decay(Values{1, std::exp(1), std::exp(2), std::exp(4)}, value);
  BOOST_TEST(p.rate == 8.0 / 7, tight);
  BOOST_TEST(p.low == 8.0 / 7 - half, tight);
  BOOST_TEST(p.high == 8.0 / 7 + half, tight);
  BOOST_TEST(p.r2 == 40.0 / 49, tight);
}

BOOST_AUTO_TEST_CASE(values_without_a_logarithm_are_left_out) {
  const Values d{1, 2, 3, 4, 5, 6, 7};
  Values v = map(d, [](double x) { return std::exp(-0.5 * x); });
  v[1] = 0;
  v[3] = -1;
  v[5] = missing;
  const Decay e = exponential_decay(d, v);
  BOOST_TEST(e.n == 4);
  BOOST_TEST(e.rate == 0.5, tight);
  v[6] = infinity;
  BOOST_TEST(exponential_decay(d, v).n == 3);
  v[4] = 0;
  all_nan_but_n(exponential_decay(d, v), 2);
  all_nan_but_n(exponential_decay(Values{}, Values{}), 0);
  all_nan_but_n(exponential_decay(Values{2, 2, 2}, Values{1, 2, 3}), 3);  // all at one distance
  // Distance 0 is a point of an exponential, but has no logarithm.
  const Decay from_zero = exponential_decay(Values{0, 1, 2}, Values{1, std::exp(-1), std::exp(-2)});
  BOOST_TEST(from_zero.n == 3);
  BOOST_TEST(from_zero.rate == 1.0, tight);
  const Decay p = power_decay(Values{0, -1, 1, 2, 4}, Values{9, 9, 1, 0.5, 0.25});
  BOOST_TEST(p.n == 3);
  BOOST_TEST(p.rate == 1.0, tight);
  all_nan_but_n(power_decay(Values{0, 1, 2}, Values{1, 1, 0.5}), 2);
}

BOOST_AUTO_TEST_CASE(what_makes_no_sense) {
  BOOST_CHECK_THROW(fit_line(Values{1, 2}, Values{1}), ShapeError);
  BOOST_CHECK_THROW(exponential_decay(Values{1, 2}, Values{1}), ShapeError);
  BOOST_CHECK_THROW(power_decay(Values{1}, Values{1, 2}), ShapeError);
  for (const double confidence : {0.0, 1.0, 95.0, missing}) {
    BOOST_CHECK_THROW(fit_line(Values{1, 2, 3}, Values{1, 2, 3}, confidence), UsageError);
  }
}
