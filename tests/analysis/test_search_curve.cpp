// The best after n trials: against all subsets, by closed forms for many trials, and what counts as nothing found.
#include <algorithm>
#include <bit>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "framework/analysis/search_curve.hpp"
#include "framework/core/errors.hpp"

using namespace strata;

namespace {

constexpr double missing = std::numeric_limits<double>::quiet_NaN();
const auto tight = boost::test_tools::tolerance(1e-12);
using Values = std::vector<double>;

// The best of each subset of n, in order.
Values best_of_all_subsets(const Values& scores, int n) {
  Values best;
  for (unsigned subset = 0; subset < 1U << scores.size(); ++subset) {
    if (std::popcount(subset) != n) continue;
    double most = 0;
    for (std::size_t i = 0; i < scores.size(); ++i) {
      if ((subset >> i & 1U) != 0) most = std::max(most, scores[i]);
    }
    best.push_back(most);
  }
  std::sort(best.begin(), best.end());
  return best;
}

// The smallest of m sorted values that at least a share of `thousandths` does not exceed.
double quantile(const Values& sorted, std::size_t thousandths) {
  return sorted[(sorted.size() * thousandths + 999) / 1000 - 1];
}

}  // namespace

BOOST_AUTO_TEST_CASE(as_all_subsets_say) {
  const std::vector<Values> searches{{0.7},
                                     {0.3, 0.9},
                                     {0.5, 0.5, 0.5, 0.5},
                                     {0.9, 0.1, 0.4, 0.4, 0.8},
                                     {0, 0.12, 0.93, 0.88, 0, 0.91, 0.5, 0.2},
                                     {.61, .15, .92, .35, .77, .58, .41, .88, .03, .69, .27, .95, .5, .83, .11, .46}};
  for (const Values& scores : searches) {
    const auto curve = best_after_trials(scores);
    BOOST_REQUIRE(curve.mean.size() == scores.size());
    BOOST_REQUIRE(curve.low.size() == scores.size());
    BOOST_REQUIRE(curve.high.size() == scores.size());
    for (std::size_t n = 1; n <= scores.size(); ++n) {
      const Values best = best_of_all_subsets(scores, static_cast<int>(n));
      double sum = 0;
      for (const double b : best) sum += b;
      BOOST_TEST(curve.mean[n - 1] == sum / static_cast<double>(best.size()), tight);
      BOOST_TEST(curve.low[n - 1] == quantile(best, 25), scores.size() << " trials, best of " << n);
      BOOST_TEST(curve.high[n - 1] == quantile(best, 975), scores.size() << " trials, best of " << n);
    }
  }
}

// Of 40 trials one is 2.5 %: the quantiles are the scores themselves, whatever rounding does to 1/40.
BOOST_AUTO_TEST_CASE(a_probability_that_meets_a_quantile) {
  Values scores;
  for (int k = 1; k <= 40; ++k) scores.push_back(k);
  const auto curve = best_after_trials(scores);
  BOOST_TEST(curve.low[0] == 1.0);
  BOOST_TEST(curve.high[0] == 39.0);
  BOOST_TEST(curve.mean[0] == 20.5, tight);
}

// Scores 1 … N: the best of n is n·(N + 1)/(n + 1) in the mean. C(10000, 5000) has 3,000 digits.
BOOST_AUTO_TEST_CASE(many_trials) {
  constexpr int trials = 10'000;
  Values scores;
  for (int k = trials; k >= 1; --k) scores.push_back(k);
  const auto curve = best_after_trials(scores);
  for (int n = 1; n <= trials; ++n) {
    const auto at = static_cast<std::size_t>(n - 1);
    BOOST_TEST(curve.mean[at] == n * (trials + 1.0) / (n + 1.0), boost::test_tools::tolerance(1e-10));
    if (n > 1) BOOST_TEST((curve.low[at] >= curve.low[at - 1] && curve.high[at] >= curve.high[at - 1]), n);
  }
  BOOST_TEST(curve.low[0] == 250.0);
  BOOST_TEST(curve.high[0] == 9750.0);
  // The best of all is not among n in a share 1 − n/N: up to 9,750 that is 2.5 % or more.
  BOOST_TEST(curve.low[9749] == trials - 1);
  BOOST_TEST(curve.low[9750] == trials);
}

BOOST_AUTO_TEST_CASE(nothing_found_counts_as_nothing) {
  const auto curve = best_after_trials(Values{missing, 0.8, missing, 0.6});
  const auto zeros = best_after_trials(Values{0, 0.8, 0, 0.6});
  BOOST_TEST(curve.mean == zeros.mean, boost::test_tools::per_element());
  BOOST_TEST(curve.mean[0] == 0.35, tight);
  BOOST_TEST(curve.low[0] == 0.0);
  BOOST_TEST(curve.mean[3] == 0.8, tight);
  BOOST_TEST(best_after_trials(Values{missing}).high[0] == 0.0);
  BOOST_TEST(best_after_trials(Values{}).mean.empty());
}

BOOST_AUTO_TEST_CASE(what_is_no_accuracy) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  for (const double bad : {-0.1, infinity, -infinity}) {
    BOOST_CHECK_THROW(best_after_trials(Values{0.5, bad}), UsageError);
  }
}
