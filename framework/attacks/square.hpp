// The Square attack (Andriushchenko et al., 1912.00049): random search by squares of the image, which asks for scores alone.
//
// Each query changes a square of the best perturbation so far and keeps the change if the margin s_y − max_{k≠y} s_k falls.
//   linf  starts from vertical stripes of ±ε; a square becomes ±ε, one sign a channel (algorithm 2)
//   l2    starts from a grid of bumps η; a square gets the budget of another one as a further bump (algorithm 3, eq. 2)
// Squares shrink with the queries as in the paper's schedule, stretched to their number. A flat input is an image of one row.
#pragma once

#include "framework/attacks/adversarial.hpp"
#include "framework/attacks/region.hpp"
#include "framework/core/shape.hpp"

namespace strata {

struct Square {
  int queries = 1000;
  double share = 0;  ///< of the image in the first squares, the paper's p; 0: .8 under linf, .1 under l2
};

/// `image` is the shape of a sample, {channels, height, width} or {features}. An example's search is a function of (seed, its
/// id, the query). Throws UsageError (queries below 1, a share outside [0, 1], and what Region::check says), ShapeError
/// where the image has another number of features or is none, DataError on inputs outside the range.
Adversarial square(Oracle& oracle, const Batch& batch, const Region& region, const Shape& image, const Square& how,
                   std::uint64_t seed);

}  // namespace strata
