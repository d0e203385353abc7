#include "framework/analysis/bootstrap.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <vector>

#include "framework/core/errors.hpp"

namespace strata {
namespace {

double quantile_of_sorted(std::span<const double> sorted, double p) {
  const double position = p * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const auto above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], position - static_cast<double>(below));
}

}  // namespace

BootstrapInterval bootstrap_interval(std::span<const double> values, const Rng& rng, int resamples, double confidence) {
  if (resamples < 1) throw UsageError(cat("bootstrap: ", resamples, " resamples: expected at least 1"));
  if (!(confidence > 0 && confidence < 1)) throw UsageError(cat("confidence ", confidence, ": expected 0 < x < 1"));
  std::vector<double> kept;
  std::copy_if(values.begin(), values.end(), std::back_inserter(kept), [](double x) { return !std::isnan(x); });
  const std::uint64_t n = kept.size();
  if (n < 2) return {quiet_nan, quiet_nan};

  std::vector<double> means(static_cast<std::size_t>(resamples));
  std::uint64_t drawn = 0;
  for (double& m : means) {
    double sum = 0;
    for (std::uint64_t i = 0; i < n; ++i) sum += kept[rng.below(n, drawn++)];
    m = sum / static_cast<double>(n);
  }
  std::sort(means.begin(), means.end());
  return {quantile_of_sorted(means, (1 - confidence) / 2), quantile_of_sorted(means, (1 + confidence) / 2)};
}

}  // namespace strata
