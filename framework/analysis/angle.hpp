// Angles between matrices seen as vectors.
#pragma once

#include "framework/core/types.hpp"

namespace strata {

/// Running sums for the angle between two vectors that come in pieces (a weight and its bias).
class Angle {
 public:
  /// Adds a piece; u and v have the same shape (otherwise ShapeError).
  void add(View u, View v);
  /// Degrees in [0, 180]; exactly 0 for equal vectors. NaN if one of them is 0.
  double degrees() const;
  double norm_u() const;
  double norm_v() const;

 private:
  double uu_ = 0, vv_ = 0, uv_ = 0;
};

double angle_degrees(View u, View v);

}  // namespace strata
