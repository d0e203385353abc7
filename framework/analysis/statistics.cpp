#include "framework/analysis/statistics.hpp"

#include <algorithm>
#include <boost/math/distributions/non_central_t.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <iterator>
#include <vector>

#include "framework/core/errors.hpp"
#include "framework/core/types.hpp"

namespace strata {
namespace {

int count(std::span<const double> values) {
  int n = 0;
  for (const double x : values) n += !std::isnan(x);
  return n;
}

// Without promotion to long double: double is exact enough, and half the code to compile.
using Policy = boost::math::policies::policy<boost::math::policies::promote_double<false>>;

boost::math::students_t_distribution<double, Policy> student_t(double degrees) {
  if (!(degrees > 0)) throw UsageError(cat("Student's t: ", degrees, " degrees of freedom: expected > 0"));
  return boost::math::students_t_distribution<double, Policy>(degrees);
}

}  // namespace

std::vector<double> without_nan(std::span<const double> values) {
  std::vector<double> kept;
  std::copy_if(values.begin(), values.end(), std::back_inserter(kept), [](double x) { return !std::isnan(x); });
  return kept;
}

double mean(std::span<const double> values) {
  const int n = count(values);
  double sum = 0;
  for (const double x : values) sum += std::isnan(x) ? 0 : x;
  return n > 0 ? sum / n : quiet_nan;
}

double sample_sd(std::span<const double> values) {
  const int n = count(values);
  const double m = mean(values);
  double sum = 0;
  for (const double x : values) sum += std::isnan(x) ? 0 : (x - m) * (x - m);
  return n > 1 ? std::sqrt(sum / (n - 1)) : quiet_nan;
}

double student_t_quantile(double p, double degrees) {
  if (!(p > 0 && p < 1)) throw UsageError(cat("Student's t: probability ", p, ": expected 0 < p < 1"));
  return boost::math::quantile(student_t(degrees), p);
}

double student_t_cdf(double x, double degrees) {
  if (std::isnan(x)) throw UsageError("Student's t: x is NaN: expected a number");
  return boost::math::cdf(student_t(degrees), x);
}

double noncentral_t_tail(double x, double degrees, double noncentrality) {
  if (!std::isfinite(x) || !(degrees > 0) || !(noncentrality >= 0) || std::isinf(noncentrality)) {
    throw UsageError(cat("noncentral t: x ", x, ", ", degrees, " degrees of freedom, noncentrality ", noncentrality,
                         ": expected x finite, degrees > 0, 0 ≤ noncentrality < ∞"));
  }
  // So far off that the other tail is below 1e-300; the series would need as many terms as the noncentrality is large.
  if (noncentrality > 40 * std::max(x, 10.0)) return 1;
  const boost::math::non_central_t_distribution<double, Policy> t(degrees, noncentrality);
  return boost::math::cdf(boost::math::complement(t, x));
}

Interval mean_interval(std::span<const double> values, double confidence) {
  if (!(confidence > 0 && confidence < 1)) throw UsageError(cat("confidence ", confidence, ": expected 0 < x < 1"));
  const int n = count(values);
  const double m = mean(values);
  if (n < 2) return {m, quiet_nan, quiet_nan, n};
  const double half = student_t_quantile((1 + confidence) / 2, n - 1) * sample_sd(values) / std::sqrt(n);
  return {m, m - half, m + half, n};
}

Interval paired_difference(std::span<const double> a, std::span<const double> b, double confidence) {
  if (a.size() != b.size()) {
    throw ShapeError(cat("paired difference of ", a.size(), " and ", b.size(), " values: expected as many of each"));
  }
  std::vector<double> difference(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) difference[i] = a[i] - b[i];
  return mean_interval(difference, confidence);
}

}  // namespace strata
