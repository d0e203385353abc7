// Intervals that assume no distribution (Efron & Tibshirani, An Introduction to the Bootstrap, 1993, §13.3: the
// percentile interval).
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "framework/core/rng.hpp"

namespace strata {

struct BootstrapInterval {
  double low, high;
};

/// The (1 − confidence)/2 and (1 + confidence)/2 quantiles of the means of `resamples` samples of n values, drawn with
/// replacement from the n values that are not NaN. Quantiles are interpolated between the sorted means.
/// Sample r draws the elements r·n … r·n + n − 1 of the stream, so the same stream gives the same bits.
/// NaN for fewer than 2 values. Throws UsageError unless resamples ≥ 1 and 0 < confidence < 1.
BootstrapInterval bootstrap_interval(std::span<const double> values, const Rng& rng, int resamples = 1000,
                                     double confidence = 0.95);

/// The same of any statistic over several strata, such as the runs on each of several networks or data sets (Agarwal et
/// al. 2021, 2108.13264, section 4.1): a resample holds as many values of each stratum as there are in it, drawn from that stratum
/// alone, and the statistic is of all of them together. Values that are NaN are left out. A resample draws the next N
/// elements of the stream, stratum by stratum, where N counts all values: one stratum and `mean` give bootstrap_interval.
/// NaN if no stratum has 2 values or more. Throws UsageError unless resamples ≥ 1 and 0 < confidence < 1.
using Statistic = std::function<double(std::span<const double>)>;
BootstrapInterval stratified_bootstrap(std::span<const std::vector<double>> strata, const Statistic& statistic,
                                       const Rng& rng, int resamples = 1000, double confidence = 0.95);

}  // namespace strata
