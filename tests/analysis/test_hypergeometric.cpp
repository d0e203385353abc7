// Tails of the hypergeometric distribution against exact fractions.
#include <array>
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "framework/analysis/hypergeometric.hpp"
#include "framework/core/errors.hpp"

using namespace strata;

namespace {
const auto tight = boost::test_tools::tolerance(1e-12);

double log_choose(double n, double k) { return std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1); }
}  // namespace

// 10 balls, 4 white, 3 drawn: of the 120 draws 20, 60, 36 and 4 have 0, 1, 2 and 3 white ones.
BOOST_AUTO_TEST_CASE(by_hand) {
  BOOST_TEST(hypergeometric_tail(10, 4, 3, 0) == 1.0);
  BOOST_TEST(hypergeometric_tail(10, 4, 3, 1) == 100.0 / 120, tight);
  BOOST_TEST(hypergeometric_tail(10, 4, 3, 2) == 40.0 / 120, tight);
  BOOST_TEST(hypergeometric_tail(10, 4, 3, 3) == 4.0 / 120, tight);
  BOOST_TEST(hypergeometric_tail(10, 4, 3, 4) == 0.0);
}

// Σ C(K, i) C(N − K, n − i) / C(N, n), by Python's fractions.
BOOST_AUTO_TEST_CASE(against_exact_fractions) {
  BOOST_TEST(hypergeometric_tail(1290, 256, 5, 3) == 0.056380705804949735, tight);
  BOOST_TEST(hypergeometric_tail(1290, 256, 5, 5) == 0.0002982338384281186, tight);
  BOOST_TEST(hypergeometric_tail(10'000, 3000, 500, 200) == 6.49516889701778e-07, tight);
  BOOST_TEST(hypergeometric_tail(10'000, 3000, 500, 100) == 0.9999999203700325, tight);
  BOOST_TEST(hypergeometric_tail(1'000'000, 5, 3, 1) == 1.499994e-05, tight);
  BOOST_TEST(hypergeometric_tail(50, 25, 25, 13) == 0.5, tight);
}

BOOST_AUTO_TEST_CASE(every_probability_is_the_formulas) {
  for (const auto& [population, successes, draws] :
       {std::array<Index, 3>{12, 5, 4}, {12, 9, 8}, {30, 3, 20}, {200, 60, 45}, {7, 7, 3}, {7, 3, 7}}) {
    BOOST_TEST_CONTEXT(population << " " << successes << " " << draws) {
      double sum = 0;
      for (Index x = 0; x <= draws; ++x) {
        const double p = hypergeometric_tail(population, successes, draws, x) -
                         hypergeometric_tail(population, successes, draws, x + 1);
        const bool possible = x <= successes && draws - x <= population - successes;
        const auto n = static_cast<double>(population), k = static_cast<double>(successes);
        const auto d = static_cast<double>(draws), seen = static_cast<double>(x);
        const double expected =
            possible ? std::exp(log_choose(k, seen) + log_choose(n - k, d - seen) - log_choose(n, d)) : 0;
        BOOST_TEST(std::abs(p - expected) < 1e-12);
        sum += p;
      }
      BOOST_TEST(sum == 1.0, tight);
    }
  }
}

BOOST_AUTO_TEST_CASE(symmetries) {
  for (Index x = 0; x <= 6; ++x) {
    // What is drawn and what is a success can trade places; what is no success is one minus what is.
    BOOST_TEST(hypergeometric_tail(40, 9, 6, x) == hypergeometric_tail(40, 6, 9, x), tight);
    BOOST_TEST(1 - hypergeometric_tail(40, 9, 6, x) == hypergeometric_tail(40, 31, 6, 6 - x + 1), tight);
  }
}

BOOST_AUTO_TEST_CASE(edges) {
  BOOST_TEST(hypergeometric_tail(0, 0, 0, 0) == 1.0);
  BOOST_TEST(hypergeometric_tail(0, 0, 0, 1) == 0.0);
  BOOST_TEST(hypergeometric_tail(5, 0, 3, 0) == 1.0);
  BOOST_TEST(hypergeometric_tail(5, 0, 3, 1) == 0.0);
  BOOST_TEST(hypergeometric_tail(5, 5, 3, 3) == 1.0);  // all are successes
  BOOST_TEST(hypergeometric_tail(5, 5, 3, 4) == 0.0);
  BOOST_TEST(hypergeometric_tail(5, 4, 5, 4) == 1.0);  // all are drawn
  BOOST_TEST(hypergeometric_tail(5, 4, 3, 2) == 1.0);  // at least 2, since only one is no success
  BOOST_TEST(hypergeometric_tail(5, 4, 3, 3) == 4.0 / 10, tight);
  // Products of such counts overflow 64 bits. An odd number drawn from two equal halves: more of one than the other.
  BOOST_TEST(std::abs(hypergeometric_tail(1'000'000'000, 500'000'000, 1001, 501) - 0.5) < 1e-6);
}

BOOST_AUTO_TEST_CASE(what_makes_no_sense) {
  BOOST_CHECK_THROW(hypergeometric_tail(-1, 0, 0, 0), UsageError);
  BOOST_CHECK_THROW(hypergeometric_tail(5, -1, 2, 0), UsageError);
  BOOST_CHECK_THROW(hypergeometric_tail(5, 2, -1, 0), UsageError);
  BOOST_CHECK_THROW(hypergeometric_tail(5, 2, 2, -1), UsageError);
  BOOST_CHECK_THROW(hypergeometric_tail(5, 6, 2, 0), UsageError);
  BOOST_CHECK_THROW(hypergeometric_tail(5, 2, 6, 0), UsageError);
}
