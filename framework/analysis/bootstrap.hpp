// An interval for a mean that assumes no distribution (Efron & Tibshirani, An Introduction to the Bootstrap, 1993,
// §13.3: the percentile interval).
#pragma once

#include <span>

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

}  // namespace strata
