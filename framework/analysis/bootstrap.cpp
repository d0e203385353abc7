#include "framework/analysis/bootstrap.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "framework/analysis/statistics.hpp"
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
  const std::vector<double> all(values.begin(), values.end());
  return stratified_bootstrap({&all, 1}, mean, rng, resamples, confidence);
}

BootstrapInterval stratified_bootstrap(std::span<const std::vector<double>> strata, const Statistic& statistic,
                                       const Rng& rng, int resamples, double confidence) {
  if (resamples < 1) throw UsageError(cat("bootstrap: ", resamples, " resamples: expected at least 1"));
  if (!(confidence > 0 && confidence < 1)) throw UsageError(cat("confidence ", confidence, ": expected 0 < x < 1"));
  std::vector<std::vector<double>> kept;
  std::size_t most = 0;
  for (const auto& stratum : strata) {
    kept.push_back(without_nan(stratum));
    most = std::max(most, kept.back().size());
  }
  if (most < 2) return {quiet_nan, quiet_nan};

  std::vector<double> found(static_cast<std::size_t>(resamples)), sample;
  std::uint64_t drawn = 0;
  for (double& f : found) {
    sample.clear();
    for (const auto& of : kept) {
      for (std::size_t i = 0; i < of.size(); ++i) sample.push_back(of[rng.below(of.size(), drawn++)]);
    }
    f = statistic(sample);
  }
  std::sort(found.begin(), found.end());
  return {quantile_of_sorted(found, (1 - confidence) / 2), quantile_of_sorted(found, (1 + confidence) / 2)};
}

}  // namespace strata
