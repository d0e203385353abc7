// The matrix product everything is built on, cut into output tiles.
//
// A tile does its whole inner sum, and the tile boundaries depend on the shapes alone: every output element is summed
// in the same order whatever the number of threads, so the bits are the same too.
#pragma once

#include <string>

#include "framework/core/function_ref.hpp"
#include "framework/core/types.hpp"

namespace strata {

enum class Op { none, transposed };

/// Told of each block of a result as soon as it is final and while it is in the cache: its first row and column, and
/// the block, which may be changed. Called once for each element, on any thread, several at a time.
using BlockBody = FunctionRef<void(Index row, Index col, MutView block)>;

/// c = alpha·op(a)·op(b) + beta·c, then done(block) for all of c. beta = 0 overwrites c, whatever it held.
/// Shapes: op(a) is m × k, op(b) k × n, c m × n. Throws ShapeError naming all three otherwise. c must not overlap a or b.
void gemm(Op op_a, View a, Op op_b, View b, MutView c, Scalar alpha = 1, Scalar beta = 0, BlockBody done = {});

/// alpha·op(a)·op(b) without a place to put it: each block exists only while `done` looks at it. The bits are gemm's.
void gemm_blocks(Op op_a, View a, Op op_b, View b, Scalar alpha, BlockBody done);

/// out(r, 0) = beta·out(r, 0) + alpha·Σ_c m(r, c): the bias gradient, and other sums over a batch.
void row_sums(View m, MutView out, Scalar alpha = 1, Scalar beta = 0);

/// alpha·Σ_c m(r, c) for all r, in blocks of one column.
void row_sums_blocks(View m, Scalar alpha, BlockBody done);

/// Counts the multiply-adds of every gemm that this thread calls after the object was made.
class CountMultiplyAdds {
 public:
  CountMultiplyAdds();
  double count() const;

 private:
  double start_;
};

/// Counts as many more: of products that were not made by gemm.
void count_multiply_adds(double count);

/// What does the products, for /provenance.
std::string gemm_backend();

}  // namespace strata
