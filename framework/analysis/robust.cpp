#include "framework/analysis/robust.hpp"

#include <algorithm>
#include <vector>

#include "framework/analysis/statistics.hpp"
#include "framework/core/types.hpp"

namespace strata {

double interquartile_mean(std::span<const double> values) {
  std::vector<double> kept = without_nan(values);
  std::sort(kept.begin(), kept.end());
  const std::size_t cut = kept.size() / 4;
  return mean(std::span(kept).subspan(cut, kept.size() - 2 * cut));
}

double probability_of_improvement(std::span<const double> x, std::span<const double> y) {
  const auto left = without_nan(x), right = without_nan(y);
  if (left.empty() || right.empty()) return quiet_nan;
  double won = 0;
  for (const double a : left) {
    for (const double b : right) won += a > b ? 1 : a == b ? 0.5 : 0;
  }
  return won / (static_cast<double>(left.size()) * static_cast<double>(right.size()));
}

}  // namespace strata
