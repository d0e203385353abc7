#include "framework/parallel/gemm.hpp"

#include <algorithm>

#include "framework/core/errors.hpp"
#include "framework/parallel/parallel.hpp"

namespace strata {
namespace {

// Tiles by measurement (benchmarks/README.md): tall ones, so that a packed panel of `a` is reused, and narrow enough
// that two threads share out the columns of a batch evenly.
constexpr Index tile_rows = 256;
Index tile_cols(Index n) { return n <= 128 ? 32 : 64; }

// Fewer multiply-adds than this and the threads are not worth waking. Only scheduling: the tiles stay the same.
constexpr Index inline_multiply_adds = 200'000;

thread_local double multiply_adds_here = 0;

template <class A, class B> void tile_product(const A& a, const B& b, MutView c, Scalar alpha, Scalar beta) {
  if (beta == Scalar(0)) {
    c.setZero();
  } else if (beta != Scalar(1)) {
    c *= beta;
  }
  c.noalias() += alpha * (a * b);
}

MutView block(MutView m, Index r, Index c, Index rows, Index cols) {
  return {m.data() + c * m.outerStride() + r, rows, cols, Eigen::OuterStride<>(m.outerStride())};
}

}  // namespace

void gemm(Op op_a, View a, Op op_b, View b, MutView c, Scalar alpha, Scalar beta) {
  const Index m = op_a == Op::none ? a.rows() : a.cols();
  const Index k = op_a == Op::none ? a.cols() : a.rows();
  const Index k_b = op_b == Op::none ? b.rows() : b.cols();
  const Index n = op_b == Op::none ? b.cols() : b.rows();
  if (k != k_b || c.rows() != m || c.cols() != n) {
    throw ShapeError(
        cat("matrix product: ", m, " × ", k, " times ", k_b, " × ", n, " into ", c.rows(), " × ", c.cols()));
  }
  if (m == 0 || n == 0) return;
  multiply_adds_here += static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  const Index width = tile_cols(n);
  const Index tiles_m = (m + tile_rows - 1) / tile_rows;
  const Index tiles_n = (n + width - 1) / width;
  const auto tile = [&](Index t) {
    const Index r = (t % tiles_m) * tile_rows;
    const Index col = (t / tiles_m) * width;
    const Index rows = std::min(tile_rows, m - r);
    const Index cols = std::min(width, n - col);
    const MutView out = block(c, r, col, rows, cols);
    if (op_a == Op::none && op_b == Op::none) {
      tile_product(a.middleRows(r, rows), b.middleCols(col, cols), out, alpha, beta);
    } else if (op_a == Op::none) {
      tile_product(a.middleRows(r, rows), b.middleRows(col, cols).transpose(), out, alpha, beta);
    } else if (op_b == Op::none) {
      tile_product(a.middleCols(r, rows).transpose(), b.middleCols(col, cols), out, alpha, beta);
    } else {
      tile_product(a.middleCols(r, rows).transpose(), b.middleRows(col, cols).transpose(), out, alpha, beta);
    }
  };
  if (m * n * k < inline_multiply_adds) {
    for (Index t = 0; t < tiles_m * tiles_n; ++t) tile(t);
  } else {
    parallel_for(tiles_m * tiles_n, tile);
  }
}

void row_sums(View m, MutView out, Scalar alpha, Scalar beta) {
  if (out.rows() != m.rows() || out.cols() != 1) {
    throw ShapeError(cat("row sums: ", m.rows(), " × ", m.cols(), " into ", out.rows(), " × ", out.cols()));
  }
  // Column after column in index order: contiguous, vectorised over rows, and one order of summation.
  Vector sum = Vector::Zero(m.rows());
  for (Index c = 0; c < m.cols(); ++c) sum += m.col(c);
  if (beta == Scalar(0)) {
    out.col(0) = alpha * sum;
  } else {
    out.col(0) = beta * out.col(0) + alpha * sum;
  }
}

CountMultiplyAdds::CountMultiplyAdds() : start_(multiply_adds_here) {}
double CountMultiplyAdds::count() const { return multiply_adds_here - start_; }

std::string gemm_backend() {
  return cat("Eigen ", EIGEN_WORLD_VERSION, ".", EIGEN_MAJOR_VERSION, ".", EIGEN_MINOR_VERSION, " (",
             sizeof(Scalar) * 8, "-bit, ", Eigen::SimdInstructionSetsInUse(), ")");
}

}  // namespace strata
