// Bootstrap intervals: the documented draws, the right width, and the same bits each time.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "framework/analysis/bootstrap.hpp"
#include "framework/analysis/statistics.hpp"
#include "framework/core/errors.hpp"

using namespace strata;

namespace {
constexpr double missing = std::numeric_limits<double>::quiet_NaN();
const auto tight = boost::test_tools::tolerance(1e-12);
using Values = std::vector<double>;

Values normals(std::size_t n, const char* name, double mean) {
  const Rng rng(3, name);
  Values v(n);
  for (std::size_t i = 0; i < n; ++i) v[i] = mean + rng.normal(i);
  return v;
}
}  // namespace

// Sample r draws elements r·n … r·n + n − 1; with five means the quantiles ¼ and ¾ are the second and the fourth, and
// ⅛ lies halfway between the first and the second.
BOOST_AUTO_TEST_CASE(the_draws_are_the_documented_ones) {
  const Values values{1, 10, 100, 1000};
  const Rng rng(7, "draws");
  Values means;
  for (std::uint64_t r = 0; r < 5; ++r) {
    double sum = 0;
    for (std::uint64_t i = 0; i < 4; ++i) sum += values[rng.below(4, r * 4 + i)];
    means.push_back(sum / 4);
  }
  const auto first = bootstrap_interval(values, rng, 1);
  BOOST_TEST(first.low == means[0]);
  BOOST_TEST(first.high == means[0]);
  std::sort(means.begin(), means.end());
  BOOST_TEST(means[0] < means[1]);
  BOOST_TEST(means[3] < means[4]);
  const auto half = bootstrap_interval(values, rng, 5, 0.5);
  BOOST_TEST(half.low == means[1], tight);
  BOOST_TEST(half.high == means[3], tight);
  const auto wider = bootstrap_interval(values, rng, 5, 0.75);
  BOOST_TEST(wider.low == (means[0] + means[1]) / 2, tight);
  BOOST_TEST(wider.high == (means[3] + means[4]) / 2, tight);
}

BOOST_AUTO_TEST_CASE(as_wide_as_theory_says) {
  const Values values = normals(400, "width", 5);
  const auto interval = bootstrap_interval(values, Rng(1, "a"), 4000);
  // The mean's standard error is that of n, not n − 1, degrees: the bootstrap does not know better.
  const double half = 1.959964 * sample_sd(values) / std::sqrt(400.0);
  BOOST_TEST(interval.low == mean(values) - half, boost::test_tools::tolerance(0.005));
  BOOST_TEST(interval.high == mean(values) + half, boost::test_tools::tolerance(0.005));
  BOOST_TEST(interval.high - interval.low == 2 * half, boost::test_tools::tolerance(0.06));
  const auto narrow = bootstrap_interval(values, Rng(1, "a"), 4000, 0.5);
  BOOST_TEST(narrow.high - narrow.low == 2 * 0.67449 * half / 1.959964, boost::test_tools::tolerance(0.06));
}

BOOST_AUTO_TEST_CASE(covers_the_true_mean_as_often_as_it_promises) {
  int covered = 0;
  for (int trial = 0; trial < 200; ++trial) {
    const Values values = normals(40, std::to_string(trial).c_str(), 2);
    const auto interval = bootstrap_interval(values, Rng(trial, "cover"), 500, 0.9);
    covered += interval.low <= 2 && 2 <= interval.high;
  }
  // 180 expected, with a standard deviation of 4; a percentile interval of 40 values is a little narrow.
  BOOST_TEST(covered > 164);
  BOOST_TEST(covered < 192);
}

BOOST_AUTO_TEST_CASE(the_same_bits_each_time) {
  const Values values = normals(30, "bits", 0);
  const auto a = bootstrap_interval(values, Rng(1, "a")), again = bootstrap_interval(values, Rng(1, "a"));
  BOOST_TEST(a.low == again.low);
  BOOST_TEST(a.high == again.high);
  const auto b = bootstrap_interval(values, Rng(1, "b"));
  BOOST_TEST(a.low != b.low);
  // Holes are as if they were not there.
  Values holes{missing};
  for (const double v : values) holes.insert(holes.end(), {v, missing});
  const auto same = bootstrap_interval(holes, Rng(1, "a"));
  BOOST_TEST(a.low == same.low);
  BOOST_TEST(a.high == same.high);
}

BOOST_AUTO_TEST_CASE(edges) {
  for (const Values& few : {Values{}, Values{3}, Values{missing, 3, missing}}) {
    const auto none = bootstrap_interval(few, Rng(1, "a"));
    BOOST_TEST(std::isnan(none.low));
    BOOST_TEST(std::isnan(none.high));
  }
  const auto constant = bootstrap_interval(Values{4, 4, 4}, Rng(1, "a"));
  BOOST_TEST(constant.low == 4.0);
  BOOST_TEST(constant.high == 4.0);
  BOOST_CHECK_THROW(bootstrap_interval(Values{1, 2}, Rng(1, "a"), 0), UsageError);
  for (const double confidence : {0.0, 1.0, 95.0, missing}) {
    BOOST_CHECK_THROW(bootstrap_interval(Values{1, 2}, Rng(1, "a"), 10, confidence), UsageError);
  }
}

BOOST_AUTO_TEST_CASE(strata_are_drawn_from_apart) {
  // One stratum and the mean: the plain bootstrap, bit for bit.
  const std::vector<Values> one{normals(12, "one", 1)};
  const auto plain = bootstrap_interval(one[0], Rng(1, "a")), same = stratified_bootstrap(one, mean, Rng(1, "a"));
  BOOST_TEST(plain.low == same.low);
  BOOST_TEST(plain.high == same.high);
  // As many of each stratum in every resample: what lies between strata does not widen the interval.
  const std::vector<Values> apart{{0, 0, 0}, {}, {1}, {5, missing, 5, missing}};
  const auto still = stratified_bootstrap(apart, mean, Rng(1, "a"));
  BOOST_TEST(still.low == 11.0 / 6);
  BOOST_TEST(still.high == 11.0 / 6);
  // The documented draws, and the statistic sees all strata at once.
  const std::vector<Values> two{{1, 2}, {10, 20, 30}};
  const Rng rng(7, "draws");
  const auto largest = [](std::span<const double> v) { return *std::max_element(v.begin(), v.end()) + v.front(); };
  const auto drawn = stratified_bootstrap(two, largest, rng, 1);
  const double first = two[0][rng.below(2, 0)];
  const double most = std::max({two[1][rng.below(3, 2)], two[1][rng.below(3, 3)], two[1][rng.below(3, 4)]});
  BOOST_TEST(drawn.low == most + first);
  BOOST_TEST(drawn.high == most + first);

  const std::vector<Values> few{{1}, {}, {2, missing}};
  BOOST_TEST(std::isnan(stratified_bootstrap(few, mean, rng).low));
  BOOST_TEST(std::isnan(stratified_bootstrap({}, mean, rng).high));
  BOOST_CHECK_THROW(stratified_bootstrap(two, mean, rng, 0), UsageError);
  BOOST_CHECK_THROW(stratified_bootstrap(two, mean, rng, 10, 1), UsageError);
}
