// Rank correlations, partial and within groups, by hand; tests/interop checks them against scipy.
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "framework/analysis/correlation.hpp"
#include "framework/core/errors.hpp"
#include "framework/core/types.hpp"

using namespace strata;

namespace {
const auto tight = boost::test_tools::tolerance(1e-12);
const auto each = boost::test_tools::per_element();
using Values = std::vector<double>;
}  // namespace

BOOST_AUTO_TEST_CASE(ranks_with_ties) {
  BOOST_TEST(ranks(Values{10, -1, 3}) == (Values{3, 1, 2}), each);
  BOOST_TEST(ranks(Values{2, 7, 2, 7, 7, 1}) == (Values{2.5, 5, 2.5, 5, 5, 1}), each);
  BOOST_TEST(ranks(Values{}).empty());
}

BOOST_AUTO_TEST_CASE(by_rank) {
  // Σd² = 1 + 1 + 0 + 1 + 1 = 4: ρ = 1 − 6·4/(5·24) = .8; the interval by the formula.
  const Values x{1, 2, 3, 4, 5}, y{20, 10, 30, 5000, 400};
  const Interval i = rank_correlation(x, y);
  BOOST_TEST(i.mean == 0.8, tight);
  BOOST_TEST(i.n == 5);
  const double half = 1.959963984540054 * std::sqrt((1 + 0.32) / 2);
  BOOST_TEST(i.low == std::tanh(std::atanh(0.8) - half), tight);
  BOOST_TEST(i.high == std::tanh(std::atanh(0.8) + half), tight);
  // Of ±1 the formula knows no error, which is not to say that there is none.
  const Interval falling = rank_correlation(x, Values{5, 4, 3, 2, -100});
  BOOST_TEST(falling.mean == -1.0);
  BOOST_TEST(std::isnan(falling.low));
  // What is not there is left out of both.
  const Interval less =
      rank_correlation(Values{1, quiet_nan, 2, 3, 4, 5, 9}, Values{20, 1, 10, 30, 5000, 400, quiet_nan});
  BOOST_TEST(less.mean == i.mean);
  BOOST_TEST(less.n == 5);
  // Three points have a correlation but no interval; two, or what does not vary, have none.
  BOOST_TEST(rank_correlation(Values{1, 2, 3}, Values{1, 3, 2}).mean == 0.5, tight);
  BOOST_TEST(std::isnan(rank_correlation(Values{1, 2, 3}, Values{1, 3, 2}).low));
  BOOST_TEST(std::isnan(rank_correlation(Values{1, 2}, Values{1, 3}).mean));
  BOOST_TEST(std::isnan(rank_correlation(x, Values{2, 2, 2, 2, 2}).mean));
}

BOOST_AUTO_TEST_CASE(partial) {
  // With one control: (r_xy − r_xz r_yz)/√((1 − r_xz²)(1 − r_yz²)).
  const Values x{3, 1, 4, 2, 6, 5, 8, 7}, y{2, 1, 3, 5, 4, 7, 8, 6}, z{1, 2, 3, 4, 5, 6, 7, 8};
  const double xy = rank_correlation(x, y).mean, xz = rank_correlation(x, z).mean, yz = rank_correlation(y, z).mean;
  const Interval i = rank_correlation(x, y, {z});
  BOOST_TEST(i.mean == (xy - xz * yz) / std::sqrt((1 - xz * xz) * (1 - yz * yz)), tight);
  const double half = 1.959963984540054 * std::sqrt((1 + i.mean * i.mean / 2) / 4);
  BOOST_TEST(i.high == std::tanh(std::atanh(i.mean) + half), tight);
  // A control twice is one control, but for the points that the interval thinks lost; one that is x leaves nothing.
  BOOST_TEST(rank_correlation(x, y, {z, z}).mean == i.mean, tight);
  BOOST_TEST(std::isnan(rank_correlation(x, y, {x}).mean));
  BOOST_CHECK_THROW(rank_correlation(x, y, {{1, 2}}), ShapeError);
  BOOST_CHECK_THROW(rank_correlation(x, Values{1, 2}), ShapeError);
  BOOST_CHECK_THROW(rank_correlation(x, y, {}, 1), UsageError);
}

BOOST_AUTO_TEST_CASE(within_groups) {
  // Over both groups together the two fall; in each they rise, and fall in the third, which is smaller.
  const std::vector<int> group{0, 0, 0, 7, 7, 7, 2, 2, 5};
  const Values x{1, 2, 3, 11, 12, 13, 5, 6, 1000}, y{11, 12, 13, 1, 2, 3, 6, 5, -1000};
  const Interval i = within_group_correlation(x, y, group);
  BOOST_TEST(i.mean == (2 + 2 - 0.5) / 4.5, tight);
  BOOST_TEST(i.n == 8);  // the single point says nothing
  const double half = 1.959963984540054 / std::sqrt(8 - 3 - 2);
  BOOST_TEST(i.low == std::tanh(std::atanh(i.mean) - half), tight);
  BOOST_TEST(std::isnan(within_group_correlation(Values{1, 2}, Values{1, 2}, std::vector<int>{0, 1}).mean));
  BOOST_CHECK_THROW(within_group_correlation(x, y, std::vector<int>{1}), ShapeError);
}
