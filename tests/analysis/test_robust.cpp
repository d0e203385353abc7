// Interquartile means and probabilities of improvement by hand; tests/interop checks them against scipy.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "framework/analysis/robust.hpp"

using namespace strata;

namespace {
constexpr double missing = std::numeric_limits<double>::quiet_NaN();
const auto tight = boost::test_tools::tolerance(1e-12);
using Values = std::vector<double>;
}  // namespace

BOOST_AUTO_TEST_CASE(interquartile_means) {
  BOOST_TEST(interquartile_mean(Values{8, 7, 1, 2, 6, 3, 5, 4}) == 4.5);
  BOOST_TEST(interquartile_mean(Values{5, 1e12, -1e9, 6}) == 5.5);  // outliers do not matter
  // ⌊n/4⌋ at each end, and no value in part.
  BOOST_TEST(interquartile_mean(Values{1, 2, 10}) == 13.0 / 3, tight);
  BOOST_TEST(interquartile_mean(Values{1, 2, 3, 5, 100}) == 10.0 / 3, tight);
  BOOST_TEST(interquartile_mean(Values{0, 2, 3, 4, 5, 7, 100}) == 21.0 / 5, tight);
  BOOST_TEST(interquartile_mean(Values{missing, 1, 2, 3, missing, 5, 100}) == 10.0 / 3, tight);
  BOOST_TEST(interquartile_mean(Values{3}) == 3.0);
  BOOST_TEST(std::isnan(interquartile_mean(Values{})));
  BOOST_TEST(std::isnan(interquartile_mean(Values{missing})));
}

BOOST_AUTO_TEST_CASE(probabilities_of_improvement) {
  // 1 beats none, 2 ties with two, 3 beats two of {2, 2, 5}.
  BOOST_TEST(probability_of_improvement(Values{1, 2, 3}, Values{2, 2, 5}) == 3.0 / 9, tight);
  BOOST_TEST(probability_of_improvement(Values{2, 2, 5}, Values{1, 2, 3}) == 6.0 / 9, tight);
  BOOST_TEST(probability_of_improvement(Values{4, 4}, Values{4}) == 0.5);
  BOOST_TEST(probability_of_improvement(Values{5, 6, 7}, Values{1}) == 1.0);
  BOOST_TEST(probability_of_improvement(Values{missing, 5}, Values{1, 6, missing}) == 0.5);
  BOOST_TEST(std::isnan(probability_of_improvement(Values{}, Values{1})));
  BOOST_TEST(std::isnan(probability_of_improvement(Values{1}, Values{missing})));
}
