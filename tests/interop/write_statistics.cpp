// Prints what framework/analysis makes of drawn numbers, as JSON with those numbers: check_statistics.py does the same sums
// with scipy.
#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>

#include "framework/analysis/correlation.hpp"
#include "framework/analysis/robust.hpp"
#include "framework/analysis/significance.hpp"
#include "framework/analysis/statistics.hpp"
#include "framework/core/rng.hpp"

using namespace strata;
using nlohmann::json;

namespace {

// Rounded, so that some are the same.
std::vector<double> drawn(std::size_t n, double mean, const char* name) {
  constexpr double step = 0.25;
  const Rng rng(n, name);
  std::vector<double> values(n);
  for (std::size_t i = 0; i < n; ++i) values[i] = std::round((mean + rng.normal(i)) / step) * step;
  return values;
}

}  // namespace

int main() {
  json t = json::array(), pairs = json::array(), holms = json::array(), power = json::array(), seeds = json::array();
  for (const double degrees : {1.0, 2.0, 3.0, 7.5, 30.0, 999.0}) {
    for (const double x : {-40.0, -3.0, -0.2, 0.0, 1.5, 12.0}) {
      const double p = Rng(3, "p").uniform(t.size());
      t.push_back({{"degrees", degrees},
                   {"x", x},
                   {"cdf", student_t_cdf(x, degrees)},
                   {"p", p},
                   {"quantile", student_t_quantile(p, degrees)}});
    }
  }
  for (std::size_t n = 2; n < 40; ++n) {
    const auto a = drawn(n, 0.4, "a"), b = drawn(n, 0, "b"), c = drawn(n / 2 + 1, 0, "c");
    pairs.push_back({{"a", a},
                     {"b", b},
                     {"c", c},
                     {"p", paired_t_test(a, b)},
                     {"low", paired_difference(a, b).low},
                     {"iqm", interquartile_mean(a)},
                     {"improvement", probability_of_improvement(a, c)}});
    std::vector<double> p;
    for (std::size_t i = 0; i < n / 3; ++i) p.push_back(std::pow(Rng(n, "holm").uniform(i), 3));
    holms.push_back({{"p", p}, {"corrected", holm(p)}});
  }
  for (const int n : {2, 3, 5, 20, 300}) {
    for (const double effect : {0.0, 0.2, 1.0, 3.0}) {
      for (const double level : {0.05, 0.05 / 21})
        power.push_back({{"n", n}, {"effect", effect}, {"level", level}, {"power", paired_power(n, effect, level)}});
    }
  }
  for (const double effect : {0.1, 0.2, 0.5, 0.9, 2.0, 5.0}) {
    for (const double level : {0.05, 0.05 / 4})
      seeds.push_back({{"effect", effect}, {"level", level}, {"n", seeds_to_tell(effect, 1, level).value_or(0)}});
  }
  json correlations = json::array();
  for (std::size_t n = 7; n < 40; n += 3) {
    const auto x = drawn(n, 0.4, "a"), y = drawn(n, 0, "b"), u = drawn(n, 0, "u"), v = drawn(n, 0, "v");
    std::vector<int> group;
    for (std::size_t i = 0; i < n; ++i) group.push_back(static_cast<int>(i % 3));
    const Interval plain = rank_correlation(x, y), partial = rank_correlation(x, y, {u, v});
    const Interval within = within_group_correlation(x, y, group);
    correlations.push_back({{"x", x},
                            {"y", y},
                            {"u", u},
                            {"v", v},
                            {"group", group},
                            {"plain", {plain.mean, plain.low, plain.high}},
                            {"partial", {partial.mean, partial.low, partial.high}},
                            {"within", {within.mean, within.low, within.high}}});
  }
  std::cout << json{{"correlations", correlations},
                    {"t", t},
                    {"pairs", pairs},
                    {"holm", holms},
                    {"power", power},
                    {"seeds", seeds}}
            << '\n';
}
