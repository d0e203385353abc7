#include "framework/analysis/statistics.hpp"

#include <boost/math/distributions/students_t.hpp>
#include <cmath>
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

}  // namespace

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
  if (!(degrees > 0)) throw UsageError(cat("Student's t: ", degrees, " degrees of freedom: expected > 0"));
  // Without promotion to long double: double is exact enough, and half the code to compile.
  using Policy = boost::math::policies::policy<boost::math::policies::promote_double<false>>;
  return boost::math::quantile(boost::math::students_t_distribution<double, Policy>(degrees), p);
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
