// Means over seeds and how far to trust them: Student's t, paired where runs share a seed.
//
// NaN stands for a run without a result and is skipped everywhere; n counts the rest.
#pragma once

#include <span>
#include <vector>

namespace strata {

std::vector<double> without_nan(std::span<const double> values);

/// NaN if nothing is left.
double mean(std::span<const double> values);

/// √(Σ (x − mean)² / (n − 1)); NaN for n < 2.
double sample_sd(std::span<const double> values);

/// The x with P(T ≤ x) = p for Student's t with that many degrees of freedom.
/// Throws UsageError unless 0 < p < 1 and degrees > 0.
double student_t_quantile(double p, double degrees);

/// P(T ≤ x) for Student's t with that many degrees of freedom: by the regularised incomplete beta function (Boost.Math), to
/// 1e-10 and, for x < 0, to that of itself, however small. 0 and 1 for x = ∓∞.
/// Throws UsageError for x NaN and unless degrees > 0.
double student_t_cdf(double x, double degrees);

/// P(T' > x) for the noncentral t, that is of (Z + noncentrality)/√(χ²/degrees) with Z standard normal (Boost.Math).
/// Throws UsageError unless x is finite, degrees > 0 and 0 ≤ noncentrality < ∞.
double noncentral_t_tail(double x, double degrees, double noncentrality);

/// A mean with its two-sided confidence interval.
struct Interval {
  double mean, low, high;
  int n;
};

/// mean ± t_{(1 + confidence)/2, n − 1} · sd/√n. The bounds are NaN for n = 1, all is NaN for n = 0.
/// Throws UsageError unless 0 < confidence < 1.
Interval mean_interval(std::span<const double> values, double confidence = 0.95);

/// mean_interval of a[i] − b[i], where i is the seed; a pair with a NaN is skipped.
/// Throws ShapeError if the lengths differ.
Interval paired_difference(std::span<const double> a, std::span<const double> b, double confidence = 0.95);

}  // namespace strata
