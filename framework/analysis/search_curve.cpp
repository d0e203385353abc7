#include "framework/analysis/search_curve.hpp"

#include <algorithm>
#include <cmath>

#include "framework/core/errors.hpp"

namespace strata {

SearchCurve best_after_trials(std::span<const double> scores) {
  std::vector<double> sorted;
  for (const double s : scores) {
    if (s < 0 || std::isinf(s)) throw UsageError(cat("score of a trial: ", s, ": expected an accuracy, or NaN"));
    sorted.push_back(std::isnan(s) ? 0 : s);
  }
  std::sort(sorted.begin(), sorted.end());
  // A probability that is a quantile's own, such as 1/40, must not miss it by rounding.
  constexpr double low = 0.025 * (1 - 1e-9), high = 0.975 * (1 - 1e-9);
  SearchCurve curve;
  for (std::size_t n = 1; n <= sorted.size(); ++n) {
    double mean = 0, at_low = sorted.back(), at_high = sorted.back();
    // P(best ≤ s₍ₖ₎) from the best down: 1, then by C(k − 1, n) / C(k, n) = (k − n)/k. No factorials, and what underflows
    // is below 1e-300; at k = n it becomes 0.
    double p = 1;
    for (std::size_t k = sorted.size(); p > 0; --k) {
      const double score = sorted[k - 1], share = static_cast<double>(n) / static_cast<double>(k);
      if (p >= low) at_low = score;
      if (p >= high) at_high = score;
      mean += p * share * score;  // P(best = s₍ₖ₎) = p − p·(k − n)/k
      p *= static_cast<double>(k - n) / static_cast<double>(k);
    }
    curve.mean.push_back(mean);
    curve.low.push_back(at_low);
    curve.high.push_back(at_high);
  }
  return curve;
}

}  // namespace strata
