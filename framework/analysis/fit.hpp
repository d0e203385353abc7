// Straight lines and decays through points, by ordinary least squares.
//
// A pair with a member that is NaN or infinite is skipped; n counts the pairs used.
#pragma once

#include <span>

namespace strata {

/// y ≈ intercept + slope·x, with the two-sided confidence interval of the slope.
struct LineFit {
  double intercept, slope, slope_low, slope_high;
  /// 1 − Σ (y − ŷ)² / Σ (y − ȳ)²; NaN if y is constant.
  double r2;
  int n;
};

/// slope = Σ (x − x̄)(y − ȳ) / Σ (x − x̄)², intercept = ȳ − slope·x̄,
/// bounds = slope ± t_{(1 + confidence)/2, n − 2} · √(Σ (y − ŷ)² / (n − 2) / Σ (x − x̄)²).
/// The bounds are NaN for n = 2. All but n is NaN for n < 2 and for constant x.
/// Throws ShapeError if the lengths differ, UsageError unless 0 < confidence < 1.
LineFit fit_line(std::span<const double> x, std::span<const double> y, double confidence = 0.95);

/// A rate of decay with its 95 % interval, and the r² of the line that gave it. A negative rate is growth.
struct Decay {
  double rate, low, high, r2;
  int n;
};

/// log value = c − rate·distance: the rate is in 1/distance, natural logarithms. Values ≤ 0 are left out too.
/// All but n is NaN if fewer than 3 points are left, or if they are all at one distance.
/// Throws ShapeError if the lengths differ.
Decay exponential_decay(std::span<const double> distance, std::span<const double> value);

/// log value = c − rate·log distance: the rate is the exponent of value ∝ distance^−rate. Distances ≤ 0 are left out
/// too. The rest is as for exponential_decay.
Decay power_decay(std::span<const double> distance, std::span<const double> value);

}  // namespace strata
