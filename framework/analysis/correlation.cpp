#include "framework/analysis/correlation.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <map>
#include <numeric>

#include "framework/core/errors.hpp"
#include "framework/core/types.hpp"

namespace strata {
namespace {

void same_length(std::size_t a, std::size_t b) {
  if (a != b) throw ShapeError(cat("correlation: ", a, " and ", b, " values: expected as many of each"));
}

// Of what has mean 0; NaN if one of them does not vary.
double cosine(const Eigen::VectorXd& x, const Eigen::VectorXd& y) {
  const double product = std::sqrt(x.squaredNorm() * y.squaredNorm());
  if (!(product > 0)) return quiet_nan;
  const double r = x.dot(y) / product;
  return std::abs(r) > 1 - 1e-12 ? std::copysign(1.0, r) : r;  // rounding makes no interval
}

Interval fisher(double r, int n, double variance, double confidence) {
  if (!(confidence > 0 && confidence < 1)) {
    throw UsageError(cat("correlation: confidence ", confidence, ": expected 0 < confidence < 1"));
  }
  if (!(std::abs(r) < 1) || !(variance > 0 && std::isfinite(variance))) return {r, quiet_nan, quiet_nan, n};
  const double half = boost::math::quantile(boost::math::normal(), (1 + confidence) / 2) * std::sqrt(variance);
  return {r, std::tanh(std::atanh(r) - half), std::tanh(std::atanh(r) + half), n};
}

}  // namespace

std::vector<double> ranks(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return values[a] < values[b]; });
  std::vector<double> found(values.size());
  for (std::size_t i = 0; i < order.size();) {
    std::size_t end = i + 1;
    while (end < order.size() && values[order[end]] == values[order[i]]) ++end;
    for (std::size_t k = i; k < end; ++k) found[order[k]] = (static_cast<double>(i + end) + 1) / 2;
    i = end;
  }
  return found;
}

Interval rank_correlation(std::span<const double> x, std::span<const double> y,
                          const std::vector<std::vector<double>>& controls, double confidence) {
  std::vector<std::span<const double>> all{x, y};
  for (const auto& c : controls) all.emplace_back(c);
  for (const auto& values : all) same_length(x.size(), values.size());
  std::vector<std::vector<double>> kept(all.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (std::any_of(all.begin(), all.end(), [&](const auto& v) { return std::isnan(v[i]); })) continue;
    for (std::size_t v = 0; v < all.size(); ++v) kept[v].push_back(all[v][i]);
  }
  const auto n = static_cast<Eigen::Index>(kept[0].size());
  const auto k = static_cast<int>(controls.size());
  const auto column = [&](const std::vector<double>& values) {
    const auto r = ranks(values);
    return Eigen::VectorXd(Eigen::Map<const Eigen::VectorXd>(r.data(), n).array() - (static_cast<double>(n) + 1) / 2);
  };
  double rho = quiet_nan;
  if (n >= 3 + k) {
    Eigen::VectorXd a = column(kept[0]), b = column(kept[1]);
    if (k > 0) {
      Eigen::MatrixXd c(n, k);
      for (int j = 0; j < k; ++j) c.col(j) = column(kept[static_cast<std::size_t>(j) + 2]);
      const Eigen::CompleteOrthogonalDecomposition<Eigen::MatrixXd> fit(c);
      // What rounding leaves of ranks that the controls explain is nothing.
      const auto rest = [&](const Eigen::VectorXd& v) {
        Eigen::VectorXd left = v - c * fit.solve(v);
        if (left.norm() < 1e-10 * v.norm()) left.setZero();
        return left;
      };
      a = rest(a);
      b = rest(b);
    }
    rho = cosine(a, b);
  }
  return fisher(rho, static_cast<int>(n), (1 + rho * rho / 2) / (static_cast<double>(n) - k - 3), confidence);
}

Interval within_group_correlation(std::span<const double> x, std::span<const double> y, std::span<const int> group,
                                  double confidence) {
  same_length(x.size(), y.size());
  same_length(x.size(), group.size());
  std::map<int, std::vector<std::size_t>> members;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (!std::isnan(x[i]) && !std::isnan(y[i])) members[group[i]].push_back(i);
  }
  std::vector<double> a, b;
  int groups = 0;
  for (const auto& [of, points] : members) {
    if (points.size() < 2) continue;
    ++groups;
    const auto add = [&](std::span<const double> from, std::vector<double>& to) {
      double sum = 0;
      for (const std::size_t i : points) sum += from[i];
      for (const std::size_t i : points) to.push_back(from[i] - sum / static_cast<double>(points.size()));
    };
    add(x, a);
    add(y, b);
  }
  const auto n = static_cast<int>(a.size());
  const Eigen::Map<const Eigen::VectorXd> u(a.data(), n), v(b.data(), n);
  const double r = n - groups < 2 ? quiet_nan : cosine(u, v);
  return fisher(r, n, 1 / (static_cast<double>(n) - groups - 2), confidence);
}

}  // namespace strata
