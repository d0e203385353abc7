#include "framework/analysis/angle.hpp"

#include <cmath>
#include <limits>
#include <numbers>

#include "framework/core/errors.hpp"

namespace strata {
namespace {

// In eight lanes wherever the vectors lie, where Eigen's order of summing depends on their alignment; and not inlined, so
// that it is the same code three times: equal vectors must give equal sums.
[[gnu::noinline]] double dot(const Scalar* u, const Scalar* v, Index size) {
  constexpr Index lanes = 8;
  double sum[lanes] = {};
  Index i = 0;
  for (; i + lanes <= size; i += lanes) {
    for (Index k = 0; k < lanes; ++k) sum[k] += static_cast<double>(u[i + k]) * static_cast<double>(v[i + k]);
  }
  for (Index k = 0; i + k < size; ++k) sum[k] += static_cast<double>(u[i + k]) * static_cast<double>(v[i + k]);
  return ((sum[0] + sum[4]) + (sum[1] + sum[5])) + ((sum[2] + sum[6]) + (sum[3] + sum[7]));
}

}  // namespace

void Angle::add(View u, View v) {
  if (u.rows() != v.rows() || u.cols() != v.cols()) {
    throw ShapeError(
        cat("angle between a ", u.rows(), " × ", u.cols(), " and a ", v.rows(), " × ", v.cols(), " matrix"));
  }
  for (Index c = 0; c < u.cols(); ++c) {
    const Scalar* a = u.col(c).data();
    const Scalar* b = v.col(c).data();
    uu_ += dot(a, a, u.rows());
    vv_ += dot(b, b, u.rows());
    uv_ += dot(a, b, u.rows());
  }
}

double Angle::norm_u() const { return std::sqrt(uu_); }
double Angle::norm_v() const { return std::sqrt(vv_); }

double Angle::degrees() const {
  if (!(uu_ > 0) || !(vv_ > 0)) return std::numeric_limits<double>::quiet_NaN();
  // ‖û ∓ v̂‖² = 2 ∓ 2 cos, with cos = 1 exactly when the sums agree.
  const double cosine = uu_ == vv_ && uu_ == uv_ ? 1.0 : uv_ / std::sqrt(uu_) / std::sqrt(vv_);
  const double apart = std::sqrt(std::max(0.0, 2 - 2 * cosine));
  const double together = std::sqrt(std::max(0.0, 2 + 2 * cosine));
  return 2 * std::atan2(apart, together) * 180 / std::numbers::pi;
}

double angle_degrees(View u, View v) {
  Angle angle;
  angle.add(u, v);
  return angle.degrees();
}

}  // namespace strata
