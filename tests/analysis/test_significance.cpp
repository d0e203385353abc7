// The paired t-test by hand and by its error rates, Holm's correction by its definition, power and numbers of seeds
// against published ones.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "framework/analysis/significance.hpp"
#include "framework/analysis/statistics.hpp"
#include "framework/core/errors.hpp"
#include "framework/core/rng.hpp"

using namespace strata;

namespace {
constexpr double missing = std::numeric_limits<double>::quiet_NaN();
constexpr double infinite = std::numeric_limits<double>::infinity();
const auto tight = boost::test_tools::tolerance(1e-12);
using Values = std::vector<double>;

Values normals(std::size_t n, double mean, const std::string& name) {
  const Rng rng(5, name);
  Values v(n);
  for (std::size_t i = 0; i < n; ++i) v[i] = mean + rng.normal(i);
  return v;
}

double p_of(const Values& d) { return paired_t_test(d, Values(d.size(), 0)); }
}  // namespace

// Differences 1, 2 and 6: t = 3/√(7/3), and with two degrees p = 1 − t/√(2 + t²).
BOOST_AUTO_TEST_CASE(a_paired_test_by_hand) {
  const double t = 3 / std::sqrt(7.0 / 3), p = 1 - t / std::sqrt(2 + t * t);
  BOOST_TEST(paired_t_test(Values{11, 22, 36}, Values{10, 20, 30}) == p, tight);
  BOOST_TEST(paired_t_test(Values{10, 20, 30}, Values{11, 22, 36}) == p, tight);
  BOOST_TEST(paired_t_test(Values{11, missing, 22, 36, 7}, Values{10, 5, 20, 30, missing}) == p, tight);
  BOOST_TEST(p_of({-1, 1}) == 1.0);
  BOOST_CHECK_THROW(paired_t_test(Values{1}, Values{1, 2}), ShapeError);
}

BOOST_AUTO_TEST_CASE(without_spread_or_pairs) {
  for (const Values& few : {Values{}, Values{3}, Values{missing, 3, missing}}) BOOST_TEST(std::isnan(p_of(few)));
  BOOST_TEST(p_of({0, 0, 0}) == 1.0);
  BOOST_TEST(p_of({0.1, 0.1, 0.1}) == 0.0);  // whose mean is not 0.1 to the last bit
  BOOST_TEST(p_of({-2, -2}) == 0.0);
  BOOST_TEST(p_of({0, missing, 0}) == 1.0);
}

BOOST_AUTO_TEST_CASE(agrees_with_the_interval) {
  int apart = 0;
  for (int trial = 0; trial < 200; ++trial) {
    const Values d = normals(2 + trial % 7, 1, std::to_string(trial));
    const Interval i = mean_interval(d);
    BOOST_TEST((p_of(d) < 0.05) == (i.low > 0 || i.high < 0));
    apart += p_of(d) < 0.05;
  }
  BOOST_TEST(apart > 40);
  BOOST_TEST(apart < 160);
}

BOOST_AUTO_TEST_CASE(is_wrong_as_often_as_it_says) {
  int wrong = 0;
  for (int trial = 0; trial < 4000; ++trial) wrong += p_of(normals(3, 0, std::to_string(trial))) < 0.05;
  // 200 expected, with a standard deviation of 14.
  BOOST_TEST(wrong > 150);
  BOOST_TEST(wrong < 250);
}

BOOST_AUTO_TEST_CASE(holm_steps_down) {
  // .005·4, .01·3, .03·2 and then .04·1, which may not fall below the one before.
  BOOST_TEST(holm(Values{0.01, 0.04, 0.03, 0.005}) == (Values{0.03, 0.06, 0.06, 0.02}),
             tight << boost::test_tools::per_element());
  BOOST_TEST(holm(Values{0.7, 0.6, 0}) == (Values{1, 1, 0}), boost::test_tools::per_element());
  BOOST_TEST(holm(Values{0.02, 0.02}) == (Values{0.04, 0.04}), boost::test_tools::per_element());
  BOOST_TEST(holm(Values{0.3}).front() == 0.3);
  BOOST_TEST(holm(Values{}).empty());
  // What is not a test does not count as one.
  const Values holes = holm(Values{missing, 0.01, missing, 0.04});
  BOOST_TEST(std::isnan(holes[0]));
  BOOST_TEST(holes[1] == 0.02);
  BOOST_TEST(std::isnan(holes[2]));
  BOOST_TEST(holes[3] == 0.04);
  for (const double p : {-0.1, 1.1, infinite}) BOOST_CHECK_THROW(holm(Values{0.5, p}), UsageError);
}

BOOST_AUTO_TEST_CASE(holm_holds_the_chance_of_any_false_difference) {
  int any = 0, any_uncorrected = 0;
  for (int trial = 0; trial < 1000; ++trial) {
    Values p;
    for (int rule = 0; rule < 8; ++rule) p.push_back(p_of(normals(4, 0, std::to_string(8 * trial + rule))));
    const auto below = [](const Values& v) {
      return std::any_of(v.begin(), v.end(), [](double x) { return x < 0.05; });
    };
    any += below(holm(p));
    any_uncorrected += below(p);
  }
  BOOST_TEST(any < 75);               // 50 expected at most, with a standard deviation of 7
  BOOST_TEST(any_uncorrected > 250);  // 337 expected: what the correction is for
}

// G*Power 3.1, "means: difference between two dependent means", two-sided, α = .05, power .8: n = 199, 34 and 15 pairs
// with actual power .8017, .8078 and .8213.
BOOST_AUTO_TEST_CASE(power_as_published) {
  BOOST_TEST(std::abs(paired_power(199, 0.2) - 0.8017) < 5e-5);
  BOOST_TEST(std::abs(paired_power(34, -0.5) - 0.8078) < 5e-5);
  BOOST_TEST(std::abs(paired_power(15, 0.8) - 0.8213) < 5e-5);
  for (const int n : {2, 3, 50}) BOOST_TEST(paired_power(n, 0, 0.03) == 0.03, boost::test_tools::tolerance(1e-9));
  BOOST_TEST(paired_power(2, 1e9) == 1.0);
  BOOST_CHECK_THROW(paired_power(1, 1), UsageError);
  BOOST_CHECK_THROW(paired_power(3, infinite), UsageError);
  for (const double level : {0.0, 1.0, missing}) BOOST_CHECK_THROW(paired_power(3, 1, level), UsageError);
}

BOOST_AUTO_TEST_CASE(power_is_how_often_the_test_finds_it) {
  int found = 0;
  for (int trial = 0; trial < 2000; ++trial) found += p_of(normals(5, 1.5, std::to_string(trial))) < 0.05;
  const double rate = found / 2000.0;  // with a standard deviation of .01
  BOOST_TEST(std::abs(rate - paired_power(5, 1.5)) < 0.035);
}

BOOST_AUTO_TEST_CASE(seeds_that_would_tell) {
  BOOST_TEST(seeds_to_tell(0.2, 1).value() == 199);
  BOOST_TEST(seeds_to_tell(-1, 2).value() == 34);
  BOOST_TEST(seeds_to_tell(0.8, 1).value() == 15);
  BOOST_TEST(seeds_to_tell(0.8, 1, 0.01).value() > 15);
  BOOST_TEST(seeds_to_tell(0.8, 1, 0.05, 0.5).value() < 15);
  for (const double effect : {0.1, 0.3, 1.0, 3.0, 20.0}) {
    const int n = seeds_to_tell(effect, 1).value();
    BOOST_TEST(paired_power(n, effect) >= 0.8);
    BOOST_TEST((n == 2 || paired_power(n - 1, effect) < 0.8));
  }
  // Where the test did not find a difference, it takes more seeds than there were.
  for (int trial = 0; trial < 100; ++trial) {
    const Values d = normals(4, 0.7, std::to_string(trial));
    if (p_of(d) < 0.05) continue;
    const auto n = seeds_to_tell(mean(d), sample_sd(d));
    BOOST_TEST((!n || *n > 4));
  }
  BOOST_TEST(!seeds_to_tell(0.01, 1).has_value());
  BOOST_TEST(!seeds_to_tell(0.2, 1, 0.05, 0.8, 198).has_value());
  BOOST_TEST(seeds_to_tell(0.2, 1, 0.05, 0.8, 199).value() == 199);
  BOOST_TEST(!seeds_to_tell(0, 1).has_value());
  BOOST_TEST(!seeds_to_tell(0, 0).has_value());
  BOOST_TEST(seeds_to_tell(0.1, 0).value() == 2);
  BOOST_TEST(seeds_to_tell(1, 1e-200).value() == 2);
  BOOST_CHECK_THROW(seeds_to_tell(missing, 1), UsageError);
  for (const double sd : {-1.0, missing, infinite}) BOOST_CHECK_THROW(seeds_to_tell(1, sd), UsageError);
  BOOST_CHECK_THROW(seeds_to_tell(1, 1, 0), UsageError);
  BOOST_CHECK_THROW(seeds_to_tell(1, 1, 0.05, 1), UsageError);
  BOOST_CHECK_THROW(seeds_to_tell(1, 1, 0.05, 0.8, 1), UsageError);
}
