#include "framework/analysis/fit.hpp"

#include <cmath>
#include <string_view>
#include <vector>

#include "framework/analysis/statistics.hpp"
#include "framework/core/errors.hpp"
#include "framework/core/types.hpp"

namespace strata {
namespace {

void require_pairs(std::string_view what, std::size_t x, std::size_t y) {
  if (x != y) throw ShapeError(cat(what, " through ", x, " x and ", y, " y: expected as many of each"));
}

// The logarithm, or NaN (which a fit skips) of what has none.
double log_or_nan(double x) { return x > 0 ? std::log(x) : quiet_nan; }

Decay decay_of_logs(std::span<const double> x, std::span<const double> value) {
  std::vector<double> y(value.size());
  for (std::size_t i = 0; i < y.size(); ++i) y[i] = log_or_nan(value[i]);
  const LineFit line = fit_line(x, y);
  if (line.n < 3) return {quiet_nan, quiet_nan, quiet_nan, quiet_nan, line.n};
  return {-line.slope, -line.slope_high, -line.slope_low, line.r2, line.n};
}

}  // namespace

LineFit fit_line(std::span<const double> x, std::span<const double> y, double confidence) {
  require_pairs("line", x.size(), y.size());
  if (!(confidence > 0 && confidence < 1)) throw UsageError(cat("confidence ", confidence, ": expected 0 < x < 1"));

  // Measured from the first pair, so that a constant is exactly constant after its mean is taken off.
  std::vector<double> u, v;
  double x0 = 0, y0 = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (!std::isfinite(x[i]) || !std::isfinite(y[i])) continue;
    if (u.empty()) x0 = x[i], y0 = y[i];
    u.push_back(x[i] - x0);
    v.push_back(y[i] - y0);
  }
  const int n = static_cast<int>(u.size());
  const double u_mean = mean(u), v_mean = mean(v);
  double uu = 0, uv = 0, vv = 0;
  for (std::size_t i = 0; i < u.size(); ++i) {
    uu += (u[i] - u_mean) * (u[i] - u_mean);
    uv += (u[i] - u_mean) * (v[i] - v_mean);
    vv += (v[i] - v_mean) * (v[i] - v_mean);
  }
  if (!(uu > 0)) return {quiet_nan, quiet_nan, quiet_nan, quiet_nan, quiet_nan, n};

  const double slope = uv / uu;
  double residual = 0;
  for (std::size_t i = 0; i < u.size(); ++i) {
    const double r = v[i] - v_mean - slope * (u[i] - u_mean);
    residual += r * r;
  }
  LineFit fit{y0 + v_mean - slope * (x0 + u_mean), slope, quiet_nan, quiet_nan, quiet_nan, n};
  if (vv > 0) fit.r2 = 1 - residual / vv;
  if (n > 2) {
    const double half = student_t_quantile((1 + confidence) / 2, n - 2) * std::sqrt(residual / (n - 2) / uu);
    fit.slope_low = slope - half;
    fit.slope_high = slope + half;
  }
  return fit;
}

Decay exponential_decay(std::span<const double> distance, std::span<const double> value) {
  require_pairs("decay", distance.size(), value.size());
  return decay_of_logs(distance, value);
}

Decay power_decay(std::span<const double> distance, std::span<const double> value) {
  require_pairs("decay", distance.size(), value.size());
  std::vector<double> x(distance.size());
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = log_or_nan(distance[i]);
  return decay_of_logs(x, value);
}

}  // namespace strata
