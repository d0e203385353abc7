#include "framework/analysis/significance.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "framework/analysis/statistics.hpp"
#include "framework/core/errors.hpp"
#include "framework/core/types.hpp"

namespace strata {

double paired_t_test(std::span<const double> a, std::span<const double> b) {
  if (a.size() != b.size()) {
    throw ShapeError(cat("paired test of ", a.size(), " and ", b.size(), " values: expected as many of each"));
  }
  std::vector<double> d(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) d[i] = a[i] - b[i];
  d = without_nan(d);
  if (d.size() < 2) return quiet_nan;
  // Not by sd = 0: rounding of the mean may leave a little of it.
  if (std::all_of(d.begin(), d.end(), [&](double x) { return x == d.front(); })) return d.front() == 0 ? 1 : 0;
  const auto n = static_cast<double>(d.size());
  return 2 * student_t_cdf(-std::abs(mean(d)) * std::sqrt(n) / sample_sd(d), n - 1);
}

std::vector<double> holm(std::span<const double> p) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < p.size(); ++i) {
    if (std::isnan(p[i])) continue;
    if (!(p[i] >= 0 && p[i] <= 1)) throw UsageError(cat("Holm's correction: p ", p[i], ": expected 0 ≤ p ≤ 1"));
    order.push_back(i);
  }
  std::sort(order.begin(), order.end(), [&](std::size_t i, std::size_t j) { return p[i] < p[j]; });
  std::vector<double> corrected(p.size(), quiet_nan);
  double largest = 0;
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    largest = std::max(largest, std::min(1.0, static_cast<double>(order.size() - rank) * p[order[rank]]));
    corrected[order[rank]] = largest;
  }
  return corrected;
}

double paired_power(int n, double effect, double level) {
  if (n < 2 || !std::isfinite(effect) || !(level > 0 && level < 1)) {
    throw UsageError(cat("power of a paired test: ", n, " pairs, effect ", effect, ", level ", level,
                         ": expected at least 2 pairs, a finite effect, 0 < level < 1"));
  }
  const double t = student_t_quantile(1 - level / 2, n - 1), shift = std::abs(effect) * std::sqrt(n);
  // P(T' < −t) is 1 − P(T' > −t): it matters for small effects alone, where nothing cancels.
  return noncentral_t_tail(t, n - 1, shift) + (1 - noncentral_t_tail(-t, n - 1, shift));
}

std::optional<int> seeds_to_tell(double mean, double sd, double level, double power, int most) {
  if (!std::isfinite(mean) || !(sd >= 0) || std::isinf(sd) || !(level > 0 && level < 1) || !(power > 0 && power < 1) ||
      most < 2) {
    throw UsageError(cat("seeds to tell a difference of mean ", mean, " and sd ", sd, " at level ", level,
                         " with power ", power, ", at most ", most,
                         ": expected a finite mean, 0 ≤ sd < ∞, 0 < level, power < 1, at least 2 seeds"));
  }
  if (mean == 0) return std::nullopt;
  const double effect = mean / sd;
  if (std::isinf(effect)) return 2;
  const auto enough = [&](int n) { return paired_power(n, effect, level) >= power; };
  if (!enough(most)) return std::nullopt;
  int few = 1, many = most;  // power grows with n: `few` are not enough, `many` are
  while (many - few > 1) {
    const int middle = std::midpoint(few, many);
    (enough(middle) ? many : few) = middle;
  }
  return many;
}

}  // namespace strata
