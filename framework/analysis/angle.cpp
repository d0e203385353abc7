#include "framework/analysis/angle.hpp"

#include <cmath>
#include <limits>
#include <numbers>

#include "framework/core/errors.hpp"

namespace strata {

void Angle::add(View u, View v) {
  if (u.rows() != v.rows() || u.cols() != v.cols()) {
    throw ShapeError(
        cat("angle between a ", u.rows(), " × ", u.cols(), " and a ", v.rows(), " × ", v.cols(), " matrix"));
  }
  for (Index c = 0; c < u.cols(); ++c) {
    const auto a = u.col(c).cast<double>();
    const auto b = v.col(c).cast<double>();
    uu_ += a.squaredNorm();
    vv_ += b.squaredNorm();
    uv_ += a.dot(b);
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
