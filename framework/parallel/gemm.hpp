// The matrix product everything is built on, cut into output tiles.
//
// A tile does its whole inner sum, and the tile boundaries depend on the shapes alone: every output element is summed
// in the same order whatever the number of threads, so the bits are the same too.
#pragma once

#include <string>

#include "framework/core/types.hpp"

namespace strata {

enum class Op { none, transposed };

/// c = alpha·op(a)·op(b) + beta·c. beta = 0 overwrites c, whatever it held.
/// Shapes: op(a) is m × k, op(b) k × n, c m × n. Throws ShapeError naming all three otherwise. c must not overlap a or b.
void gemm(Op op_a, View a, Op op_b, View b, MutView c, Scalar alpha = 1, Scalar beta = 0);

/// out(r, 0) = beta·out(r, 0) + alpha·Σ_c m(r, c): the bias gradient, and other sums over a batch.
void row_sums(View m, MutView out, Scalar alpha = 1, Scalar beta = 0);

/// Counts the multiply-adds of every gemm that this thread calls after the object was made.
class CountMultiplyAdds {
 public:
  CountMultiplyAdds();
  double count() const;

 private:
  double start_;
};

/// What does the products, for /provenance.
std::string gemm_backend();

}  // namespace strata
