// Where an adversarial example may lie: in the ball of radius ε around the clean one, and in the range of the inputs.
//
// ε is in units of the inputs as they are in the data set, pixels of [0, 1]: a net normalises in its first node.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "framework/core/types.hpp"

namespace strata {

enum class Norm { linf, l2 };

/// "linf", "l2"; throws UsageError on another.
Norm parse_norm(const std::string& name);
std::string to_string(Norm norm);

struct Region {
  Norm norm = Norm::linf;
  double epsilon = 0;
  Scalar low = 0, high = 1;  ///< of the inputs

  /// Throws UsageError: ε negative or NaN, low not below high; DataError: a number of x outside the range, by place.
  void check(View x) const;

  /// Moves each column of x to the nearest point of the ball around the clean column, then into the range. The clean
  /// column lies in the range, so that this does not leave the ball.
  void project(View clean, MutView x) const;

  /// x += size · the direction in which `gradient` rises fastest within the norm: its sign, or itself over its L2 norm. A
  /// column without a gradient, or with NaN in it, stays.
  void step(View gradient, double size, MutView x) const;

  /// x = clean + a point drawn uniformly from the ball, then into the range. Each column's numbers are those of (seed,
  /// stream, its id): they do not depend on the batch around it.
  void start(View clean, std::span<const Index> ids, std::uint64_t seed, const std::string& stream, MutView x) const;
};

}  // namespace strata
